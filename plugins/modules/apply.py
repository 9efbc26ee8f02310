"""The module ``vllm.semantic_router.apply``; how objects are written is in ``module_utils/applying``."""

DOCUMENTATION = """
module: apply
short_description: Apply the objects of a SemanticRouter, and nobody else's
author: [Semantic Router Operator contributors]
description:
  - Creates objects that are absent, and applies those that belong to the SemanticRouter, by server-side apply.
  - An object of the same name that belongs to somebody else is never changed, also when it appears between the look
    and the write. The module fails then, before it writes anything if it can.
  - An object whose annotation C(vllm.ai/adopt-by) is the name of the SemanticRouter counts as its own.
extends_documentation_fragment: [kubernetes.core.k8s_auth_options]
options:
  objects:
    description: The objects, completed by the filter P(vllm.semantic_router.claimed#filter).
    type: list
    elements: dict
    required: true
  resource:
    description: The SemanticRouter that they belong to.
    type: dict
    required: true
  field_manager:
    description: Field manager of the objects.
    type: str
    required: true
  directory:
    description:
      - Writes each object into a file of this directory, and asks no cluster.
      - The directory is made. A file that has the same content is left alone.
    type: path
  shared_fields:
    description:
      - Fields, as C(spec.replicas), that an autoscaler sets at times.
      - When an object stops naming one, another field manager keeps the value that it has at that moment.
    type: list
    elements: str
    default: []
attributes:
  check_mode: {support: full, description: The API server tries every write and stores none.}
  diff_mode: {support: full, description: Data of Secrets are not shown.}
"""

EXAMPLES = """
- name: Apply the claim
  vllm.semantic_router.apply:
    objects: "{{ manifests | vllm.semantic_router.claimed(resource) }}"
    resource: "{{ resource }}"
    field_manager: semantic-router-operator
"""

RETURN = """
objects:
  description: Uid and fingerprint of each object, by C(<apiVersion>/<Kind>/<namespace>/<name>).
  returned: success
  type: dict
files:
  description: The files, when O(directory) is given.
  returned: success
  type: list
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.kubernetes.core.plugins.module_utils.ansiblemodule import AnsibleModule
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.client import K8SClient, get_api_client
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.core import AnsibleK8SModule
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.exceptions import CoreException
from ansible_collections.vllm.semantic_router.plugins.module_utils.applying import (
    Applier,
    ChangedError,
    ConflictError,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import identity_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.managed_fields import SUPERSEDED
from ansible_collections.vllm.semantic_router.plugins.module_utils.manifest_files import (
    file_name,
    write_files,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import (
    differs,
    fingerprints,
    shown,
    unstored,
)
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic.exceptions import ConflictError as Refused
from kubernetes.dynamic.exceptions import (
    DynamicApiError,
    NotFoundError,
    ResourceNotFoundError,
    UnprocessibleEntityError,
)

ARGUMENTS = {
    "objects": {"type": "list", "elements": "dict", "required": True},
    "resource": {"type": "dict", "required": True},
    "field_manager": {"type": "str", "required": True},
    "directory": {"type": "path"},
    "shared_fields": {"type": "list", "elements": "str", "default": []},
}


class RealCluster:
    """The API server, by the client of kubernetes.core."""

    def __init__(self, client: K8SClient) -> None:
        """Nothing is asked yet."""
        self.client = client

    def read(self, wanted: Object) -> Object | None:
        """Return the live object; None when there is none."""
        try:
            return self._ask(self.client.get, wanted, **_place(wanted))
        except NotFoundError:
            return None

    def create(self, wanted: Object, manager: str) -> Object:
        """Create it."""
        namespace = wanted["metadata"]["namespace"]
        return self._ask(
            self.client.create, wanted, body=dict(wanted), namespace=namespace, field_manager=manager
        )

    def apply(self, wanted: Object, manager: str) -> Object:
        """Apply it."""
        given = {"server_side": True, "field_manager": manager, "force_conflicts": True}
        namespace = wanted["metadata"]["namespace"]
        try:
            return self._ask(self.client.apply, wanted, body=dict(wanted), namespace=namespace, **given)
        except UnprocessibleEntityError as error:  # another uid than that of the object is refused so, too
            live = self.read(wanted)
            if live and live["metadata"]["uid"] == wanted["metadata"]["uid"]:
                raise
            raise ChangedError(_said(wanted, error)) from error

    def patch(self, live: Object, operations: Sequence[Mapping[str, Any]]) -> Object:
        """Change it."""
        style = "application/json-patch+json"
        try:
            return self._ask(
                self.client.patch, live, body=list(operations), content_type=style, **_place(live)
            )
        except UnprocessibleEntityError as error:  # a test of the patch has failed
            raise ChangedError(_said(live, error)) from error

    def _ask(
        self,
        method: Callable[..., Any],
        named: Object,
        body: object = None,
        **given: Any,  # noqa: ANN401 - of the client
    ) -> Object:
        resource = self.client.resource(named["kind"], named["apiVersion"])
        arguments = [resource] if body is None else [resource, body]
        try:
            answer: Object = json.loads(method(*arguments, serialize=False, **given).data)
        except Refused as error:
            raise ChangedError(_said(named, error)) from error
        return answer


def main() -> None:
    """Run the module."""
    module = AnsibleK8SModule(
        module_class=AnsibleModule,
        argument_spec={**AUTH_ARG_SPEC, **ARGUMENTS},
        supports_check_mode=True,
        check_pyyaml=False,
    )
    given = module.params
    if given["directory"]:
        _write(module)
        return
    try:
        pairs = list(_applier(module).apply(given["objects"]))
    except ConflictError as error:
        module.fail_json(msg=str(error), reason="Conflict")
    except (ChangedError, CoreException, ResourceNotFoundError) as error:
        module.fail_json(msg=str(error))
    except (ApiException, DynamicApiError) as error:
        module.fail_json(msg=_message(error))
    else:
        _tell(module, pairs, objects=fingerprints([after for _, after in pairs], given["field_manager"]))


def _write(module: AnsibleK8SModule) -> None:
    directory = Path(module.params["directory"])
    try:
        pairs = write_files(directory, module.params["objects"], trial=module.check_mode)
    except OSError as error:
        module.fail_json(msg=f"the objects cannot be written: {error}")
    else:
        names = [str(directory / file_name(after)) for _, after in pairs]
        _tell(module, pairs, objects=unstored([after for _, after in pairs]), files=names)


def _tell(module: AnsibleK8SModule, pairs: Sequence[tuple[Object | None, Object]], **more: object) -> None:
    changes = [(before, after) for before, after in pairs if differs(before, after)]
    diff = [shown(before, after) for before, after in changes] if module._diff else []  # noqa: SLF001
    module.exit_json(changed=bool(changes), diff=diff, **more)


def _applier(module: AnsibleK8SModule) -> Applier:
    given = module.params
    return Applier(
        cluster=RealCluster(get_api_client(module)),
        identity=identity_of(given["resource"]),
        manager=given["field_manager"],
        superseded=SUPERSEDED,
        shared=[path.split(".") for path in given["shared_fields"]],
        trial=module.check_mode,
    )


def _place(named: Object) -> dict[str, str]:
    return {key: named["metadata"][key] for key in ("name", "namespace")}


def _said(named: Object, error: Exception) -> str:
    metadata = named["metadata"]
    return f"{named['kind']} {metadata['namespace']}/{metadata['name']}: {_message(error)}"


def _message(error: Exception) -> str:
    """Return the API server's own words, which name object and field."""
    body = getattr(error, "body", None) or b"{}"
    try:
        said = json.loads(body).get("message")
    except (ValueError, AttributeError):
        said = None
    return str(said or error)


if __name__ == "__main__":
    main()

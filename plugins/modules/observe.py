"""The module ``vllm.semantic_router.observe``; what is looked at is decided in ``module_utils/observing``."""

DOCUMENTATION = """
module: observe
short_description: Look at what a SemanticRouter depends on
author: [Semantic Router Operator contributors]
description:
  - Gives the roles what the operator would give them in the variable C(observed), from a cluster or from a file.
  - Nothing is changed.
extends_documentation_fragment: [kubernetes.core.k8s_auth_options]
options:
  resource:
    description: The SemanticRouter, with the defaults of its definition.
    type: dict
    required: true
  entry:
    description: Its entry of C(watches.yaml).
    type: dict
    required: true
  written:
    description: The documents of a file that describes a cluster. With it no cluster is asked.
    type: list
    elements: raw
requirements: [jmespath]
attributes:
  check_mode: {support: full, description: Nothing is changed in any mode.}
  diff_mode: {support: none, description: Nothing is changed.}
"""

EXAMPLES = """
- name: Look at what the router depends on
  vllm.semantic_router.observe:
    resource: "{{ resource }}"
    entry: "{{ (lookup('ansible.builtin.file', 'watches.yaml') | from_yaml)[0] }}"
  register: seen
"""

RETURN = """
observed:
  description: References, owned objects, errors and served kinds, as docs/architecture.md says.
  returned: success
  type: dict
"""

import traceback
from typing import Any

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.kubernetes.core.plugins.module_utils.ansiblemodule import AnsibleModule
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.client import K8SClient, get_api_client
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.core import AnsibleK8SModule
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.exceptions import CoreException
from ansible_collections.vllm.semantic_router.plugins.module_utils.observing import (
    Kind,
    Sight,
    UnreadableError,
    observe,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object
from ansible_collections.vllm.semantic_router.plugins.module_utils.written_cluster import (
    WrittenClusterError,
    read_cluster,
)
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic.exceptions import DynamicApiError, NotFoundError, ResourceNotFoundError
from urllib3.exceptions import HTTPError

try:
    import jmespath
except ImportError:
    NO_JMESPATH: str | None = traceback.format_exc()
else:
    NO_JMESPATH = None

ARGUMENTS = {
    "resource": {"type": "dict", "required": True},
    "entry": {"type": "dict", "required": True},
    "written": {"type": "list", "elements": "raw"},
}
_FORBIDDEN = (401, 403)


class RealCluster:
    """The API server, by the client of kubernetes.core."""

    def __init__(self, client: K8SClient) -> None:
        """Nothing is asked yet."""
        self._client = client

    def presence(self, kind: Kind) -> str:
        """Say whether the kind is served."""
        try:
            self._resource(kind)
        except UnreadableError as error:
            return "absent" if str(error) == "Absent" else "unknown"
        return "present"

    def read(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """Read one object."""
        resource = self._resource(kind)
        within = {"namespace": namespace} if resource.namespaced else {}
        try:
            found: Object = resource.get(name=name, **within).to_dict()
        except NotFoundError:
            return None
        except (ApiException, DynamicApiError, HTTPError) as error:
            raise _unreadable(error) from error
        return found

    def all(self, kind: Kind, namespace: str = "") -> list[Object]:
        """List all objects, of a namespace if one is given."""
        resource = self._resource(kind)
        within = {"namespace": namespace} if resource.namespaced and namespace else {}
        try:
            listed = resource.get(**within).to_dict()
        except (ApiException, DynamicApiError, HTTPError) as error:
            raise _unreadable(error) from error
        typed = {"apiVersion": kind.api_version, "kind": kind.name}
        found = [{**typed, **one} for one in listed.get("items") or ()]
        return sorted(
            found, key=lambda one: (one["metadata"].get("namespace") or "", one["metadata"]["name"])
        )

    def _resource(self, kind: Kind) -> Any:  # noqa: ANN401 - of the client
        try:
            return self._client.client.resources.get(api_version=kind.api_version, kind=kind.name)
        except ResourceNotFoundError as error:
            raise UnreadableError("Absent") from error
        except (ApiException, DynamicApiError, HTTPError) as error:
            raise _unreadable(error) from error


def main() -> None:
    """Run the module."""
    module = AnsibleK8SModule(
        module_class=AnsibleModule,
        argument_spec={**AUTH_ARG_SPEC, **ARGUMENTS},
        supports_check_mode=True,
        check_pyyaml=False,
    )
    if NO_JMESPATH:
        module.fail_json(msg=missing_required_lib("jmespath"), exception=NO_JMESPATH)
    given = module.params
    try:
        sight = _sight(module)
    except (CoreException, WrittenClusterError) as error:
        module.fail_json(msg=str(error))
    else:
        observed = observe(given["entry"], given["resource"], sight, jmespath.search)
        module.exit_json(changed=False, observed=observed)


def _sight(module: AnsibleK8SModule) -> Sight:
    written = module.params["written"]
    if written is None:
        return RealCluster(get_api_client(module))
    return read_cluster(written, module.params["resource"]["metadata"]["namespace"])


def _unreadable(error: Exception) -> UnreadableError:
    return UnreadableError("Forbidden" if getattr(error, "status", 0) in _FORBIDDEN else "Unavailable")


if __name__ == "__main__":
    main()

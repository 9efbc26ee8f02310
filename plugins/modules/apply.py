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
  owner:
    description:
      - Who the SemanticRouter is that they belong to, by the filter P(vllm.semantic_router.owner#filter).
      - Nothing else of it, since it may hold a password, and arguments of modules are shown and logged.
    type: dict
    required: true
    suboptions:
      api_version: {description: Its version., type: str, required: true}
      kind: {description: Its kind., type: str, required: true}
      name: {description: Its name., type: str, required: true}
      namespace: {description: Its namespace., type: str, required: true}
      uid: {description: Its uid; empty when no operator has it., type: str, default: ""}
  takes_over:
    description:
      - Whether what another operator has written since this one came is overwritten.
      - The filter P(vllm.semantic_router.takes_over#filter) says so.
    type: bool
    default: false
  field_manager:
    description: Field manager of the objects.
    type: str
    required: true
  untouched:
    description:
      - What was applied of objects that nobody has touched since, as the digest that RV(objects) had then.
      - An object of which the same is to be applied again is neither read nor written. None with O(takes_over).
    type: dict
    default: {}
  present:
    description:
      - The objects that are there as far as is known, as C(<apiVersion>/<Kind>/<namespace>/<name>).
      - Others are made without a look; one that is there nevertheless is looked at when the API server refuses that.
      - Without this option every object is looked at.
    type: list
    elements: str
  report:
    description:
      - What is told of the run once all is applied, under the keys that C(set_stats) would be given.
      - The RV(objects) are told with it.
    type: dict
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
    owner: "{{ resource | vllm.semantic_router.owner }}"
    field_manager: semantic-router-operator
    report:
      conditions:
        PersistenceReady: {status: "True", reason: ClaimMade, message: the claim is there}
"""

RETURN = """
objects:
  description:
    - Of each object that was applied, by C(<apiVersion>/<Kind>/<namespace>/<name>), who it is, how it is now, and a
      digest of what was applied. Of each that was left alone, only that it was.
  returned: success
  type: dict
files:
  description: The files, when O(directory) is given.
  returned: success
  type: list
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.kubernetes.core.plugins.module_utils.k8s.core import AnsibleK8SModule
from ansible_collections.vllm.semantic_router.plugins.module_utils.applying import (
    Applier,
    ChangedError,
    ConflictError,
    RivalError,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.connected_cluster import (
    FAILURES,
    ConnectedCluster,
    module_of,
    words_of,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import Identity
from ansible_collections.vllm.semantic_router.plugins.module_utils.managed_fields import SUPERSEDED
from ansible_collections.vllm.semantic_router.plugins.module_utils.manifest_files import (
    file_name,
    write_files,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import (
    differs,
    fingerprints,
    left_alone,
    shown,
    split,
    unstored,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.take_over import RIVAL_REASON

OWNER: dict[str, dict[str, Any]] = {
    **{name: {"type": "str", "required": True} for name in ("api_version", "kind", "name", "namespace")},
    "uid": {"type": "str", "default": ""},
}
ARGUMENTS = {
    "objects": {"type": "list", "elements": "dict", "required": True},
    "owner": {"type": "dict", "required": True, "options": OWNER},
    "takes_over": {"type": "bool", "default": False},
    "field_manager": {"type": "str", "required": True},
    "untouched": {"type": "dict", "default": {}},
    "present": {"type": "list", "elements": "str"},
    "report": {"type": "dict"},
    "directory": {"type": "path"},
    "shared_fields": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    """Run the module."""
    module = module_of(ARGUMENTS)
    given = module.params
    if given["directory"]:
        _write(module)
        return
    wanted, untouched = split(given["objects"], {} if given["takes_over"] else given["untouched"])
    try:
        pairs = list(_applier(module).apply(wanted)) if wanted else []
    except ConflictError as error:
        module.fail_json(msg=str(error), reason="Conflict")
    except RivalError as error:
        module.fail_json(msg=str(error), reason=RIVAL_REASON)
    except ChangedError as error:
        module.fail_json(msg=str(error))
    except FAILURES as error:
        module.fail_json(msg=words_of(error))
    else:
        applied = [after for _, after in pairs]
        objects = fingerprints(applied, given["field_manager"], wanted)
        _tell(module, pairs, objects={**objects, **left_alone(untouched)})


def _write(module: AnsibleK8SModule) -> None:
    directory = Path(module.params["directory"])
    try:
        pairs = write_files(directory, module.params["objects"], trial=module.check_mode)
    except OSError as error:
        module.fail_json(msg=f"the objects cannot be written: {error}")
    else:
        names = [str(directory / file_name(after)) for _, after in pairs]
        _tell(module, pairs, objects=unstored([after for _, after in pairs]), files=names)


def _tell(
    module: AnsibleK8SModule,
    pairs: Sequence[tuple[Object | None, Object]],
    *,
    objects: Mapping[str, Any],
    **more: object,
) -> None:
    report = module.params["report"]
    if report is not None:
        more["ansible_stats"] = {"data": {**report, "objects": objects}, "aggregate": True, "per_host": False}
    changes = [(before, after) for before, after in pairs if differs(before, after)]
    diff = [shown(before, after) for before, after in changes] if module._diff else []  # noqa: SLF001
    module.exit_json(changed=bool(changes), diff=diff, objects=objects, **more)


def _applier(module: AnsibleK8SModule) -> Applier:
    given = module.params
    return Applier(
        cluster=ConnectedCluster.of(module),
        identity=Identity(**given["owner"]),
        manager=given["field_manager"],
        superseded=SUPERSEDED,
        takes_over=given["takes_over"],
        shared=[path.split(".") for path in given["shared_fields"]],
        trial=module.check_mode,
        present=given["present"],
    )


if __name__ == "__main__":
    main()

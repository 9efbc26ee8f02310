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
    description:
      - The SemanticRouter with the defaults of its definition, by P(vllm.semantic_router.without_credentials#filter).
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
    resource: "{{ resource | vllm.semantic_router.without_credentials }}"
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

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.core import AnsibleK8SModule
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.exceptions import CoreException
from ansible_collections.vllm.semantic_router.plugins.module_utils.connected_cluster import (
    ConnectedCluster,
    module_of,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.observing import Sight, observe
from ansible_collections.vllm.semantic_router.plugins.module_utils.written_cluster import (
    WrittenClusterError,
    read_cluster,
)

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


def main() -> None:
    """Run the module."""
    module = module_of(ARGUMENTS)
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
        return ConnectedCluster.of(module)
    return read_cluster(written, module.params["resource"]["metadata"]["namespace"])


if __name__ == "__main__":
    main()

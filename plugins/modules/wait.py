"""The documentation of ``vllm.semantic_router.wait``; its work is done by the action of the same name."""

DOCUMENTATION = """
module: wait
short_description: Wait until the pods of SemanticRouters are new and available
author: [Semantic Router Operator contributors]
description:
  - Tells how far the roll-outs are whenever that changes.
  - Fails when the time is over, or a roll-out has exceeded its progress deadline, as C(kubectl rollout status) does.
extends_documentation_fragment: [kubernetes.core.k8s_auth_options]
options:
  routers:
    description: Mappings with C(namespace) and C(name) of SemanticRouters.
    type: list
    elements: dict
    required: true
  seconds:
    description: How long to wait for all of them.
    type: float
    default: 3600.0
attributes:
  check_mode: {support: none, description: There is nothing to wait for.}
  diff_mode: {support: none, description: Nothing is changed.}
"""

EXAMPLES = """
- name: Wait until the router serves
  vllm.semantic_router.wait:
    routers: [{namespace: default, name: router}]
    seconds: 600
"""

RETURN = "{}"

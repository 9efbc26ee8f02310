"""Documentation of ``operator_sdk.util.requeue_after``, which is an action."""

DOCUMENTATION = """
module: requeue_after
short_description: Ask for another run of the resource
author: [Playbook engine contributors]
description:
  - Asks for another run after a time. This one goes on; when it fails, the usual waits after failures hold instead.
  - Of several in one run the shortest time counts.
options:
  time:
    description: A duration as Go writes it, such as C(1h30m), C(10m) or C(45s).
    type: str
    required: true
    aliases: [period]
"""

EXAMPLES = """
- name: Look again in five minutes
  operator_sdk.util.requeue_after:
    time: 5m
"""

RETURN = """
requeue_after: {description: The time in seconds., returned: success, type: float}
period: {description: The time as it was given., returned: success, type: str}
"""

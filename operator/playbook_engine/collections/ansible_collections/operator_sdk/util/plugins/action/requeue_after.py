"""The action ``operator_sdk.util.requeue_after``: asks for another run, without an end of this one.

The engine reads ``requeue_after``, in seconds, from the result; of several the shortest counts.
"""

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from playbook_engine.durations import FORM, DurationError, parse_duration


class ActionModule(ActionBase):  # type: ignore[misc]
    """The action; it needs no process of its own."""

    _requires_connection = False
    _supports_check_mode = True
    TRANSFERS_FILES = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:  # noqa: ANN401 - as Ansible calls it
        """Check ``time`` and hand it back."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, given = self.validate_argument_spec(
            {"time": {"type": "str", "required": True, "aliases": ["period"]}}
        )
        text = given["time"]
        try:
            seconds = parse_duration(text)
        except DurationError as error:
            message = f"time: {text!r} is not {FORM}"
            raise AnsibleActionFail(message) from error
        return {**result, "changed": False, "period": text, "requeue_after": seconds}

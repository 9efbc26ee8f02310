"""The action of ``vllm.semantic_router.wait``: it asks again and again, and tells whatever has changed meanwhile.

It is an action and no module, since what a module prints is seen when it has ended.
"""

import time
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.vllm.semantic_router.plugins.module_utils.rollout import Rollout, rollout_of

ASK_SECONDS = 2.0
"""Between two questions; each takes a process of its own."""

ARGUMENTS = {
    "routers": {"type": "list", "elements": "dict", "required": True},
    "seconds": {"type": "float", "default": 3600.0},
}


class ActionModule(ActionBase):  # type: ignore[misc]
    """What Ansible looks for."""

    _supports_check_mode = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Wait until each Deployment has rolled out. Fails when one is late, or when the time is over."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, given = self.validate_argument_spec(argument_spec={**AUTH_ARG_SPEC, **ARGUMENTS})
        access = {name: given[name] for name in AUTH_ARG_SPEC if given.get(name) is not None}
        until = time.monotonic() + given["seconds"]
        waited = [(one["namespace"], one["name"]) for one in given["routers"]]
        told: dict[tuple[str, str], Rollout] = {}
        while True:
            for key in [key for key in waited if key not in told or not told[key].done]:
                self._tell(key, told, rollout_of(self._deployment(key, access, task_vars or {})))
            open_ones = {key: one for key, one in told.items() if not one.done}
            if not open_ones:
                return result | {"changed": False}
            if time.monotonic() >= until or any(one.late for one in open_ones.values()):
                raise AnsibleActionFail(_failure(open_ones, given["seconds"]))
            time.sleep(ASK_SECONDS)

    def _tell(self, key: tuple[str, str], told: dict[tuple[str, str], Rollout], now: Rollout) -> None:
        if told.get(key) != now:
            self._display.display(f"{'/'.join(key)}: {now.text}")
        told[key] = now

    def _deployment(
        self, key: tuple[str, str], access: Mapping[str, Any], task_vars: dict[str, Any]
    ) -> dict[str, Any] | None:
        namespace, name = key
        asked = {"api_version": "apps/v1", "kind": "Deployment", "namespace": namespace, "name": name}
        answer = self._execute_module("kubernetes.core.k8s_info", {**access, **asked}, task_vars=task_vars)
        if answer.get("failed"):
            raise AnsibleActionFail(f"Deployment {namespace}/{name} cannot be read: {answer.get('msg')}")
        return next(iter(answer["resources"]), None)


def _failure(waited: Mapping[tuple[str, str], Rollout], seconds: float) -> str:
    each = "; ".join(f"{namespace}/{name}: {one.text}" for (namespace, name), one in waited.items())
    is_late = any(one.late for one in waited.values())
    namespace, name = next(key for key, one in waited.items() if one.late or not is_late)
    look = f"kubectl --namespace {namespace} describe deployment,pods --selector app.kubernetes.io/instance={name}"
    return f"{each if is_late else f'after {seconds:g} s: {each}'}; look at it with: {look}"

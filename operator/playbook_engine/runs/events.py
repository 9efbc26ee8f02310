"""Events of ansible-runner cut to what the outcome of a run needs: small on the pipe, without results.

A result can be large and can hold what nobody should keep; of a task that went well nothing is needed.
"""

from collections.abc import Mapping

_DATA_KEYS = ("task", "role", "host", "ignore_errors")
_RESULT_KEYS = ("msg", "reason", "stderr", "censored", "failed")
_RECAP_KEYS = (
    "ok",
    "changed",
    "failures",
    "dark",
    "skipped",
    "rescued",
    "ignored",
    "processed",
    "artifact_data",
)
_REQUEUING = ("operator_sdk.util.requeue_after", "requeue_after")
_CHARACTERS = 50_000
_MOST_ITEMS = 100

_WITH_DATA = ("runner_on_start", "runner_on_ok", "runner_on_skipped")
_WITH_RESULT = ("runner_on_failed", "runner_on_unreachable")
_WITH_OUTPUT = ("verbose", "error")


def trim(event: Mapping[str, object]) -> dict[str, object] | None:
    """Give what ``folding`` needs of an event; None when it needs nothing of it."""
    name = event.get("event")
    data = _mapping(event.get("event_data"))
    if name in _WITH_OUTPUT:
        return {"event": name, "stdout": str(event.get("stdout") or "")[:_CHARACTERS]}
    if name in _WITH_DATA:
        asked = _requeues(data) if name == "runner_on_ok" else []
        return {"event": name, "event_data": _only(data, _DATA_KEYS) | ({"requeue": asked} if asked else {})}
    if name in _WITH_RESULT:
        kept = _only(data, _DATA_KEYS) | {"res": _result(_mapping(data.get("res")))}
        return {"event": name, "event_data": kept}
    if name == "playbook_on_no_hosts_matched":
        return {"event": name}
    if name == "playbook_on_stats":
        return {"event": name, "event_data": _only(data, _RECAP_KEYS)}
    return None


def _requeues(data: Mapping[str, object]) -> list[object]:
    """Give after what times a task asks for another run: it is one of ``operator_sdk.util.requeue_after``.

    Our own gives seconds, that of ansible-operator a ``period`` as Go writes it.
    """
    actions = {data.get("task_action"), data.get("resolved_action")}
    if actions.isdisjoint(_REQUEUING):
        return []
    result = _mapping(data.get("res"))
    items = result.get("results")
    told = [one for one in items if isinstance(one, Mapping)] if isinstance(items, list) else [result]
    asked = (one.get("requeue_after", one.get("period")) for one in told if not one.get("skipped"))
    return [one for one in asked if one is not None]


def _result(result: Mapping[str, object]) -> dict[str, object]:
    kept = _only(result, _RESULT_KEYS)
    if isinstance(kept.get("stderr"), str):
        kept["stderr"] = str(kept["stderr"])[-_CHARACTERS:]
    items = result.get("results")
    if isinstance(items, list):
        failed = [item for item in items if isinstance(item, Mapping) and _failed(item)]
        kept["results"] = [_result(item) for item in failed[:_MOST_ITEMS]]
    return kept


def _failed(item: Mapping[str, object]) -> bool:
    return "censored" in item or bool(item.get("failed"))


def _only(data: Mapping[str, object], keys: tuple[str, ...]) -> dict[str, object]:
    return {key: data[key] for key in keys if key in data}


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}

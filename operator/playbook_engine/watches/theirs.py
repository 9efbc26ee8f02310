"""The keys of an entry that are those of ansible-operator, with its defaults; see ``Watch`` for what they mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from playbook_engine.objects import GroupVersionKind
from playbook_engine.settings.choices import Compatibility
from playbook_engine.watches import values
from playbook_engine.watches.nodes import Place
from playbook_engine.watches.records import Dependents, Parameters

KEYS = (
    "manageStatus",
    "watchDependentResources",
    "watchClusterScopedResources",
    "watchAnnotationsChanges",
    "snakeCaseParameters",
    "markUnsafe",
    "maxRunnerArtifacts",
    "blacklist",
)
HINTS = {  # what to do instead where the entry is not in the form of ansible-operator
    "manageStatus": "status is always managed; remove the key",
    "watchDependentResources": "list the kinds under 'owns'",
    "watchClusterScopedResources": "list the kinds under 'owns'",
    "watchAnnotationsChanges": "list the annotations under 'triggerAnnotations'",
    "snakeCaseParameters": "keys are never converted; remove the key",
    "markUnsafe": "resources are always unsafe; remove the key",
    "maxRunnerArtifacts": "no artifacts are kept; remove the key",
    "blacklist": "only the kinds under 'owns' and 'references' are watched; remove the key",
}
SWITCH = (
    "; or write 'compatibility: ansible-operator' beside 'watches' for a project that was written for that"
)

_GVK = ("group", "version", "kind")
_CONCURRENCY = ("MAX_CONCURRENT_RECONCILES", "WORKER")
_VERBOSITY = "ANSIBLE_VERBOSITY"
_MOST_VERBOSITY, _MOST_RUNS, _MOST_ARTIFACTS = 7, 1000, 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What holds for every entry that does not say otherwise, by flags."""

    inject_owner: bool = True
    most_runs: int = 0


def fields(
    section: Mapping[str, Place],
    gvk: GroupVersionKind,
    environ: Mapping[str, str],
    defaults: Defaults,
    *,
    at: Place,
) -> dict[str, Any]:
    """Give the fields of ``Watch`` that follow from these keys and from variables named after the kind."""
    snake = values.boolean(section.get("snakeCaseParameters"))
    watch = values.boolean(section.get("watchDependentResources"))
    manage = values.boolean(section.get("manageStatus"))
    values.whole_number(
        section.get("maxRunnerArtifacts"), most=_MOST_ARTIFACTS
    )  # none is kept, and it may be said
    return {
        "compatibility": Compatibility.ANSIBLE_OPERATOR,
        "manage_status": manage is not False,
        "watch_annotations": bool(values.boolean(section.get("watchAnnotationsChanges"))),
        "parameters": Parameters(
            snake_case=snake is not False, unsafe=bool(values.boolean(section.get("markUnsafe")))
        ),
        "dependents": Dependents(
            watch=watch is not False,
            cluster_scoped=bool(values.boolean(section.get("watchClusterScopedResources"))),
            ignored=_ignored(section.get("blacklist")),
            inject_owner=defaults.inject_owner,
        ),
        "verbosity": _from_environment((_VERBOSITY,), gvk, environ, most=_MOST_VERBOSITY, at=at),
        "most_runs": _from_environment(_CONCURRENCY, gvk, environ, most=_MOST_RUNS, at=at)
        or defaults.most_runs,
    }


def _ignored(place: Place | None) -> tuple[GroupVersionKind, ...]:
    items = place.items() if place else ()
    found = (values.group_version_kind(item.section(_GVK), at=item) for item in items)
    return tuple(dict.fromkeys(gvk for gvk in found if gvk))


def _from_environment(
    prefixes: tuple[str, ...], gvk: GroupVersionKind, environ: Mapping[str, str], *, most: int, at: Place
) -> int | None:
    """Read ``<PREFIX>_<KIND>_<GROUP>``, of several prefixes the first."""
    suffix = f"{gvk.kind}_{gvk.group}".upper().replace(".", "_").replace("-", "_")
    name = next((name for one in prefixes if (name := f"{one}_{suffix}") in environ), None)
    if name is None:
        return None
    text = environ[name].strip()
    if not text.isdecimal() or int(text) > most:
        at.wrong(f"environment variable {name}: {environ[name]!r} is not a whole number from 0 to {most}")
        return None
    return int(text)

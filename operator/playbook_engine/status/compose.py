"""The whole status of a resource after a pass. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from playbook_engine.objects import Object, mapping, metadata_of
from playbook_engine.status.conditions import Told, merged, read_conditions
from playbook_engine.status.derive import View, derive
from playbook_engine.watches.records import Watch

LAST_GOOD = "lastGood"
RECONCILED, DEGRADED = "Reconciled", "Degraded"


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a pass found: ``told`` by the run and the engine, ``fields`` by the run.

    ``current`` says that the older conditions hold for this generation too, because nothing that they depend
    on has changed. ``last_good`` are the engine's fields of that block.
    """

    told: Mapping[str, Told] = field(default_factory=dict)
    fields: Mapping[str, object] = field(default_factory=dict)
    current: bool = False
    last_good: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """A status, and which expressions of ``watches.yaml`` could not be evaluated for it."""

    status: Object
    problems: tuple[str, ...] = ()


def compose(
    watch: Watch, resource: Object, owned: Mapping[str, list[Object]], news: News, now: str
) -> Composed:
    """Give the status; what neither the run nor a row of ``watches.yaml`` speaks of stays as it was."""
    old = read_conditions(resource)
    status = mapping(resource.get("status"))
    derived_types = {condition.type for condition in watch.conditions}
    kept = {kind: _as_told(one) for kind, one in old.items() if kind not in derived_types}
    known = {**kept, **news.told}
    known[DEGRADED] = _degraded({kind: one for kind, one in known.items() if kind not in watch.neutral})
    derived = derive(watch, View(resource=resource, owned=owned, conditions=known))
    told = {**(known if news.current else news.told), DEGRADED: known[DEGRADED], **derived.conditions}
    generation = metadata_of(resource).get("generation")
    number = generation if isinstance(generation, int) else 0
    conditions = merged(old, told, generation=number, now=now, keep=kept)
    of_roles = {name: value for name, value in {**status, **news.fields}.items() if value is not None}
    fields = {name: value for name, value in of_roles.items() if name not in _names(watch)}
    composed: dict[str, object] = {
        **fields,
        **derived.fields,
        LAST_GOOD: _last_good(status, news),
        "observedGeneration": number,
        "conditions": list(conditions.values()),
    }
    if not composed[LAST_GOOD]:
        del composed[LAST_GOOD]
    return Composed(status=composed, problems=derived.problems)


def _names(watch: Watch) -> set[str]:
    return {one.name for one in watch.fields} | {LAST_GOOD, "conditions", "observedGeneration"}


def _last_good(status: Mapping[str, object], news: News) -> dict[str, object]:
    """The engine's digests beside what roles say of the last good state."""
    return {
        **mapping(status.get(LAST_GOOD)),
        **(mapping(news.fields.get(LAST_GOOD)) if news.last_good else {}),
        **news.last_good,
    }


def _degraded(known: Mapping[str, Told]) -> Told:
    """Every condition of a run that is not neutral is true when all is well, so one that is false is what is wrong."""
    wrong = {kind: told for kind, told in known.items() if told.status == "False" and kind != DEGRADED}
    if RECONCILED in wrong:
        wrong = {RECONCILED: wrong[RECONCILED], **wrong}
    if not wrong:
        return Told(status="False", reason="AsWanted", message="")
    reason = next(iter(wrong.values())).reason
    message = "; ".join(f"{kind}: {told.message or told.reason}" for kind, told in wrong.items())
    return Told(status="True", reason=reason, message=message)


def _as_told(condition: Object) -> Told:
    return Told(
        status=str(condition.get("status")),
        reason=str(condition.get("reason")),
        message=str(condition.get("message") or ""),
    )

"""The whole status of a resource after a pass. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from playbook_engine.objects import Object, mapping, metadata_of
from playbook_engine.status.conditions import Told, merged, read_conditions, repeated
from playbook_engine.status.derive import View, derive_conditions, derive_fields, refine, with_values
from playbook_engine.watches.records import Watch

LAST_GOOD, LAST_TOLD = "lastGood", "lastTold"
RECONCILED, DEGRADED, PAUSED = "Reconciled", "Degraded", "Paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a pass found: ``told`` by the run and the engine, ``fields`` by the run.

    ``current`` says that the older conditions hold for this generation too, because nothing that they depend
    on has changed. ``last_good`` are the engine's fields of that block, ``references`` what only the status looks at.
    ``paused`` says why nothing is run.
    """

    told: Mapping[str, Told] = field(default_factory=dict)
    fields: Mapping[str, object] = field(default_factory=dict)
    current: bool = False
    last_good: Mapping[str, object] = field(default_factory=dict)
    references: Mapping[str, list[object]] = field(default_factory=dict)
    paused: str = ""

    def after(self, unsaid: "News | None") -> "News":
        """Add what could not be said before; where both speak of the same, these are newer."""
        if unsaid is None:
            return self
        return replace(
            self,
            told={**unsaid.told, **self.told},
            fields={**unsaid.fields, **self.fields},
            last_good={**unsaid.last_good, **self.last_good},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """A status, and which expressions of ``watches.yaml`` could not be evaluated for it."""

    status: Object
    problems: tuple[str, ...] = ()


def compose(
    watch: Watch, resource: Object, owned: Mapping[str, list[Object]], news: News, now: str
) -> Composed:
    """Give the status; what neither the run nor a row of ``watches.yaml`` speaks of stays as it was."""
    old, status = read_conditions(resource), mapping(resource.get("status"))
    kept = {kind: _as_told(one) for kind, one in old.items() if kind not in _derived_types(watch)}
    said = _said(watch, status, news)
    known = {**kept, **news.told, **said}
    problems: list[str] = []
    seen = View(resource=resource, owned=owned, conditions=known, references=news.references)
    view = with_values(watch, seen, problems)
    refined = refine(watch, view, problems)
    unknown = _judged(watch, known, "Unknown")
    known |= refined
    view = replace(view, conditions=known)
    derived = derive_conditions(watch, view, problems)
    known[DEGRADED] = _degraded(_judged(watch, known, "False"), unknown, derived)
    fields = derive_fields(watch, replace(view, conditions=known), derived, problems)
    fresh = known if news.current else {kind: known[kind] for kind in news.told}
    told = {**fresh, DEGRADED: known[DEGRADED], **derived}
    if news.paused:
        told[PAUSED] = Told(status="True", reason="AnnotationSet", message=news.paused)
    generation = _generation(resource, status, news)
    conditions = merged(old, told, generation=generation, now=now, keep=kept)
    composed: dict[str, object] = {
        **_of_roles(watch, status, news),
        **fields,
        LAST_GOOD: _last_good(status, news, fields),
        LAST_TOLD: {kind: _as_member(one) for kind, one in sorted(said.items())},
        "observedGeneration": generation,
        "conditions": list(conditions.values()),
    }
    for name in (LAST_GOOD, LAST_TOLD):
        if not composed[name]:
            del composed[name]
    return Composed(status=composed, problems=tuple(problems))


def _said(watch: Watch, status: Mapping[str, object], news: News) -> dict[str, Told]:
    """What the playbook last said of conditions that are refined: in the status stands what became of it."""
    before = mapping(status.get(LAST_TOLD))
    remembered = {kind: _as_told(mapping(one)) for kind, one in before.items()}
    known = {**remembered, **news.told}
    return {row.type: known[row.type] for row in watch.conditions if row.refines and row.type in known}


def _derived_types(watch: Watch) -> set[str]:
    """Conditions that are made anew each time, and go when nothing speaks for them."""
    return {row.type for row in watch.conditions if not row.refines} | {PAUSED}


def _generation(resource: Object, status: Mapping[str, object], news: News) -> int:
    """The status of a paused resource goes on speaking of the specification that was applied last."""
    found = (status if news.paused else {}).get("observedGeneration")
    generation = metadata_of(resource).get("generation") if found is None else found
    return generation if isinstance(generation, int) else 0


def _of_roles(watch: Watch, status: Mapping[str, object], news: News) -> dict[str, object]:
    told = {name: value for name, value in {**status, **news.fields}.items() if value is not None}
    return {name: value for name, value in told.items() if name not in _names(watch)}


def _names(watch: Watch) -> set[str]:
    return {one.name for one in watch.fields} | {LAST_GOOD, LAST_TOLD, "conditions", "observedGeneration"}


def _last_good(status: Mapping[str, object], news: News, derived: Mapping[str, object]) -> dict[str, object]:
    """The engine's digests beside what roles, or a derived field of that name, say of the last good state."""
    told = {
        **mapping(status.get(LAST_GOOD)),
        **(mapping(news.fields.get(LAST_GOOD)) if news.last_good else {}),
        **news.last_good,
        **mapping(derived.get(LAST_GOOD)),
    }
    return {name: value for name, value in told.items() if value is not None}


def _judged(watch: Watch, told: Mapping[str, Told], status: str) -> dict[str, Told]:
    unjudged = (DEGRADED, *watch.neutral)
    return {kind: one for kind, one in told.items() if one.status == status and kind not in unjudged}


def _degraded(wrong: Mapping[str, Told], unknown: Mapping[str, Told], derived: Mapping[str, Told]) -> Told:
    """Every condition of a run that is not neutral is true when all is well, so one that is false is what is wrong.

    While none is, and of some the run could not tell, it is not known whether anything is wrong; what objects have not
    said yet is only waited for. A condition that is derived can be good or bad either way, so its row says whether
    it is.
    """
    wrong = {**wrong, **{kind: one for kind, one in derived.items() if one.degrades}}
    if wrong:
        return _summed("True", wrong)
    return _summed("Unknown", unknown) if unknown else Told(status="False", reason="AsWanted")


def _summed(status: str, told: Mapping[str, Told]) -> Told:
    """Tell of several as one, the run first; those that wait for another are only named."""
    ordered = {RECONCILED: told[RECONCILED], **told} if RECONCILED in told else told
    reason = next(iter(ordered.values())).reason
    again = repeated({kind: one.message for kind, one in ordered.items()})
    parts = [f"{kind}: {one.message or one.reason}" for kind, one in ordered.items() if kind not in again]
    more = [f"so too {', '.join(sorted(again))}"] if again else []
    return Told(status=status, reason=reason, message="; ".join([*parts, *more]))


def _as_member(told: Told) -> Object:
    return {"status": told.status, "reason": told.reason, "message": told.message}


def _as_told(condition: Object) -> Told:
    return Told(
        status=str(condition.get("status")),
        reason=str(condition.get("reason")),
        message=str(condition.get("message") or ""),
    )

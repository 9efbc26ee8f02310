"""The ``status`` of an entry: fields and conditions that expressions derive from dependents."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from playbook_engine.watches import values
from playbook_engine.watches.kinds import glimpses
from playbook_engine.watches.nodes import Place, closest, plain
from playbook_engine.watches.records import Case, DerivedCondition, DerivedField, Glimpse

_STATUS_KEYS = ("references", "values", "fields", "conditions", "neutral")
_CONDITION_KEYS = ("type", "refines", "cases")
_CASE_KEYS = ("when", "status", "reason", "reasonFrom", "message", "messageFrom", "degrades")
_STATUSES = ("True", "False", "Unknown")
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_REASON = re.compile(r"[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?")
_FIELD = re.compile(r"[a-z][A-Za-z0-9]*")
_VALUE = re.compile(r"\bvalues\.([a-z][A-Za-z0-9]*)")
_OF_THE_ENGINE = ("conditions", "observedGeneration", "lastTold")

type _ReadCase = Callable[[dict[str, Place], Place], dict[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What is read: see the fields of the same names of ``Watch``."""

    glimpses: tuple[Glimpse, ...]
    values: tuple[DerivedField, ...]
    fields: tuple[DerivedField, ...]
    conditions: tuple[DerivedCondition, ...]
    neutral: tuple[str, ...]


def status(place: Place | None, environ: Mapping[str, str]) -> Status:
    """Read ``status``: what it looks at besides, its fields, its conditions, and the types that are neutral."""
    section = place.section(_STATUS_KEYS) if place else {}
    neutral = section.get("neutral")
    types = [_condition_type(item) for item in (neutral.items() if neutral else ())]
    return Status(
        glimpses=glimpses(section.get("references"), environ),
        values=_values(section.get("values")),
        fields=_fields(section.get("fields")),
        conditions=_conditions(section.get("conditions")),
        neutral=tuple(kind for kind in types if kind),
    )


def _condition_type(place: Place | None) -> str | None:
    return values.matching(place, _TYPE, form="a condition type such as Available")


def _values(place: Place | None) -> tuple[DerivedField, ...]:
    members = place.members() if place else {}
    for name, member in members.items():
        if not _FIELD.fullmatch(name):
            member.wrong(f"{name!r} is no name of a value; use camelCase")
    read = {name: values.expression(member) for name, member in members.items()}
    found = {name: expression for name, expression in read.items() if expression}
    waiting = list(members)
    for name, expression in found.items():
        unknown = set(_VALUE.findall(expression.text)).intersection(waiting[waiting.index(name) :])
        for other in sorted(unknown):
            members[name].wrong(f"values.{other} is not known yet; put {name!r} below {other!r}")
    return tuple(DerivedField(name=name, expression=expression) for name, expression in found.items())


def _fields(place: Place | None) -> tuple[DerivedField, ...]:
    members = place.members() if place else {}
    found = (_field(name, member) for name, member in members.items())
    return tuple(field for field in found if field)


def _field(name: str, place: Place) -> DerivedField | None:
    if not _FIELD.fullmatch(name):
        place.wrong(f"{name!r} is no name of a status field; use camelCase")
    if name in _OF_THE_ENGINE:
        place.wrong(f"{name!r} is written by the engine; choose another field")
    if not place.is_list():
        expression = values.expression(place)
        return DerivedField(name=name, expression=expression) if expression else None
    return DerivedField(name=name, cases=_cases(place, _value_case))


def _conditions(place: Place | None) -> tuple[DerivedCondition, ...]:
    found: dict[str, DerivedCondition] = {}
    for item in place.items() if place else ():
        section = item.section(_CONDITION_KEYS)
        kind = _condition_type(values.required(section, "type", at=item))
        cases = values.required(section, "cases", at=item)
        derived = _cases(cases, _condition_case) if cases else ()
        if kind in found:
            section["type"].wrong(f"condition {kind!r} is given twice; put all its cases into one")
        elif kind is not None:
            refines = bool(values.boolean(section.get("refines")))
            found[kind] = DerivedCondition(type=kind, cases=derived, refines=refines)
    return tuple(found.values())


def _cases(place: Place, read: _ReadCase) -> tuple[Case, ...]:
    cases = []
    items = list(place.items())
    for item in items:
        section = item.section(("when", "value") if read is _value_case else _CASE_KEYS)
        if "when" not in section and item is not items[-1]:
            item.wrong("without 'when' it always holds, so the cases below are never reached; put it last")
        when = values.expression(section.get("when"))
        cases.append(Case(when=when, value=read(section, item)))
    if place.is_list() and not items:
        place.wrong("has no case; give at least one")
    return tuple(cases)


def _value_case(section: dict[str, Place], at: Place) -> dict[str, object]:
    value = values.required(section, "value", at=at)
    return {"value": plain(value)} if value else {}


def _condition_case(section: dict[str, Place], at: Place) -> dict[str, object]:
    form = "a reason such as MinimumReplicasAvailable"
    found: dict[str, object] = {
        "status": _status(values.required(section, "status", at=at)),
        "reason": values.matching(values.required(section, "reason", at=at), _REASON, form=form),
    }
    if ("message" in section) == ("messageFrom" in section):
        at.wrong("give exactly one of 'message' (a text) and 'messageFrom' (an expression)")
    if "message" in section:
        found["message"] = section["message"].text()
    if values.boolean(section.get("degrades")):
        found["degrades"] = True
    if "reasonFrom" in section:
        found["reasonFrom"] = values.expression(section["reasonFrom"])
    if "messageFrom" in section:
        found["messageFrom"] = values.expression(section["messageFrom"])
    return found


def _status(place: Place | None) -> str | None:
    text = place.text() if place else None
    if place and text is not None and text not in _STATUSES:
        place.wrong(f"{text!r} is no status; {closest(text, _STATUSES)}")
    return text

"""Reading ``selector``: a label selector as Kubernetes has it."""

from collections.abc import Iterator

from playbook_engine.selectors import EVERYTHING, Operator, Requirement, Selector
from playbook_engine.watches import values
from playbook_engine.watches.nodes import Place, closest

_KEYS = ("matchLabels", "matchExpressions")
_REQUIREMENT_KEYS = ("key", "operator", "values")
_VALUED = (Operator.IN, Operator.NOT_IN)


def selector(place: Place | None) -> Selector:
    """Read ``selector``; without one everything is selected."""
    if place is None:
        return EVERYTHING
    section = place.section(_KEYS)
    equal = section["matchLabels"].members() if "matchLabels" in section else {}
    listed = section["matchExpressions"].items() if "matchExpressions" in section else ()
    return Selector(requirements=(*_equalities(equal), *filter(None, map(_requirement, listed))))


def _equalities(members: dict[str, Place]) -> Iterator[Requirement]:
    for key, member in members.items():
        # An empty value is one, too.
        text = "" if member.node.value == "" else member.text()
        if text is not None:
            yield Requirement(key=key, operator=Operator.IN, values=(text,))


def _requirement(place: Place) -> Requirement | None:
    section = place.section(_REQUIREMENT_KEYS)
    key = values.required(section, "key", at=place)
    operator = _operator(values.required(section, "operator", at=place))
    given = [item.text() for item in (section["values"].items() if "values" in section else ())]
    if operator is not None and bool(given) != (operator in _VALUED):
        place.wrong(f"{operator} {'needs' if operator in _VALUED else 'takes no'} 'values'")
    text = key.text() if key else None
    if text is None or operator is None:
        return None
    return Requirement(key=text, operator=operator, values=tuple(one for one in given if one is not None))


def _operator(place: Place | None) -> Operator | None:
    text = place.text() if place else None
    if place is None or text is None:
        return None
    if text not in tuple(Operator):
        place.wrong(f"{text!r} is no operator; {closest(text, tuple(map(str, Operator)))}")
        return None
    return Operator(text)

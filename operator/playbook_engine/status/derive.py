"""Fields and conditions that ``watches.yaml`` derives from dependents. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from playbook_engine.expressions import Expression, ExpressionError
from playbook_engine.objects import Object
from playbook_engine.status.conditions import Told
from playbook_engine.watches.records import Case, DerivedCondition, Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the expressions see: ``{resource, owned, conditions}``; owned objects are by kind."""

    resource: Object
    owned: Mapping[str, list[Object]]
    conditions: Mapping[str, Told]

    def document(self, derived: Mapping[str, Told]) -> dict[str, object]:
        """Give it as an expression's document; ``derived`` are conditions of earlier rows."""
        conditions = {
            kind: {"status": told.status, "reason": told.reason, "message": told.message}
            for kind, told in {**self.conditions, **derived}.items()
        }
        return {"resource": self.resource, "owned": self.owned, "conditions": conditions}


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """The result; ``problems`` are expressions that could not be evaluated."""

    conditions: Mapping[str, Told] = field(default_factory=dict)
    fields: Mapping[str, object] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def derive(watch: Watch, view: View) -> Derived:
    """Evaluate conditions in their order, each seeing those before it, then the fields, which see all."""
    conditions: dict[str, Told] = {}
    problems: list[str] = []
    for condition in watch.conditions:
        try:
            told = _condition(condition, view.document(conditions))
        except ExpressionError as error:
            problems.append(f"status condition {condition.type}: {error}")
            continue
        if told:
            conditions[condition.type] = told
    document = view.document(conditions)
    fields: dict[str, object] = {}
    for one in watch.fields:
        try:
            value = one.expression.search(document) if one.expression else _value(one.cases, document)
        except ExpressionError as error:
            problems.append(f"status field {one.name}: {error}")
            continue
        if value is not None:
            fields[one.name] = value
    return Derived(conditions=conditions, fields=fields, problems=tuple(problems))


def _condition(condition: DerivedCondition, document: object) -> Told | None:
    case = _first(condition.cases, document)
    if case is None:
        return None
    expression = case.value.get("messageFrom")
    message = expression.search(document) if isinstance(expression, Expression) else case.value.get("message")
    return Told(
        status=str(case.value["status"]), reason=str(case.value["reason"]), message=str(message or "").strip()
    )


def _value(cases: tuple[Case, ...], document: object) -> object:
    case = _first(cases, document)
    return case.value.get("value") if case else None


def _first(cases: tuple[Case, ...], document: object) -> Case | None:
    for case in cases:
        if case.when is None or case.when.search(document):
            return case
    return None

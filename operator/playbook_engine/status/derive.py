"""Fields and conditions that ``watches.yaml`` derives from dependents. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from playbook_engine.expressions import Expression, ExpressionError
from playbook_engine.objects import Object
from playbook_engine.status.conditions import Told, is_reason
from playbook_engine.watches.records import Case, DerivedCondition, Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the expressions see: ``{resource, owned, references, conditions, values}``.

    Owned objects are by kind, those that the status alone looks at by the name of the reference.
    """

    resource: Object
    owned: Mapping[str, list[Object]]
    conditions: Mapping[str, Told]
    references: Mapping[str, list[object]] = field(default_factory=dict)
    values: Mapping[str, object] = field(default_factory=dict)

    def document(self, derived: Mapping[str, Told]) -> dict[str, object]:
        """Give it as an expression's document; ``derived`` are conditions of earlier rows."""
        conditions = {
            kind: {"status": told.status, "reason": told.reason, "message": told.message}
            for kind, told in {**self.conditions, **derived}.items()
        }
        return {
            "resource": self.resource,
            "owned": self.owned,
            "references": self.references,
            "conditions": conditions,
            "values": self.values,
        }


def with_values(watch: Watch, view: View, problems: list[str]) -> View:
    """Give the view with the values of ``watches.yaml``, each of which sees those before it."""
    values: dict[str, object] = {}
    for one in watch.values:
        try:
            document = replace(view, values=values).document({})
            values[one.name] = one.expression.search(document) if one.expression else None
        except ExpressionError as error:
            problems.append(f"status value {one.name}: {error}")
    return replace(view, values=values)


def refine(watch: Watch, view: View, problems: list[str]) -> dict[str, Told]:
    """Evaluate the conditions that refine one of the playbook's.

    A playbook that has seen something wrong has the last word, so only those that it called true are looked at.
    """
    well = [row for row in watch.conditions if row.refines and _is_true(view.conditions.get(row.type))]
    return _conditions(well, view, problems)


def derive_conditions(watch: Watch, view: View, problems: list[str]) -> dict[str, Told]:
    """Evaluate the other conditions in their order, each seeing those before it.

    Expressions that cannot be evaluated are added to ``problems``.
    """
    return _conditions([row for row in watch.conditions if not row.refines], view, problems)


def _is_true(told: Told | None) -> bool:
    return told is not None and told.status == "True"


def _conditions(rows: Iterable[DerivedCondition], view: View, problems: list[str]) -> dict[str, Told]:
    conditions: dict[str, Told] = {}
    for condition in rows:
        try:
            told = _condition(condition, view.document(conditions))
        except ExpressionError as error:
            problems.append(f"status condition {condition.type}: {error}")
            continue
        if told:
            conditions[condition.type] = told
    return conditions


def derive_fields(
    watch: Watch, view: View, conditions: Mapping[str, Told], problems: list[str]
) -> dict[str, object]:
    """Evaluate fields, which see all conditions: those of the view, and ``conditions``."""
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
    return fields


def _condition(condition: DerivedCondition, document: object) -> Told | None:
    case = _first(condition.cases, document)
    if case is None:
        return None
    message = _found(case, "message", document)
    reason = str(_found(case, "reason", document) or "")
    return Told(
        status=str(case.value["status"]),
        reason=reason if is_reason(reason) else str(case.value["reason"]),
        message=str(message or "").strip(),
        degrades=bool(case.value.get("degrades")),
    )


def _found(case: Case, name: str, document: object) -> object:
    """Give what the expression finds, and without one the text."""
    expression = case.value.get(f"{name}From")
    return expression.search(document) if isinstance(expression, Expression) else case.value.get(name)


def _value(cases: tuple[Case, ...], document: object) -> object:
    case = _first(cases, document)
    return case.value.get("value") if case else None


def _first(cases: tuple[Case, ...], document: object) -> Case | None:
    for case in cases:
        if case.when is None or case.when.search(document):
            return case
    return None

"""Label selectors, as Kubernetes has them in ``matchLabels`` and ``matchExpressions``. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from playbook_engine.objects import Object, mapping, metadata_of


class Operator(StrEnum):
    """What a label is asked for."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What one label has to be; ``values`` are empty for the operators that ask for no value."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def holds(self, labels: Mapping[str, object]) -> bool:
        """Whether it holds for an object with these labels; ``NotIn`` holds without the label."""
        match self.operator:
            case Operator.IN:
                return labels.get(self.key) in self.values
            case Operator.NOT_IN:
                return labels.get(self.key) not in self.values
            case Operator.EXISTS:
                return self.key in labels
            case Operator.DOES_NOT_EXIST:
                return self.key not in labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Requirements that all have to hold."""

    requirements: tuple[Requirement, ...] = ()

    def selects(self, found: Object) -> bool:
        """Whether an object is selected."""
        labels = mapping(metadata_of(found).get("labels"))
        return all(one.holds(labels) for one in self.requirements)


EVERYTHING = Selector()

"""How the stand-in for the router chooses a model: by its configuration, as the real one does with real models."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

AUTOMATIC = frozenset({"auto", "MoM"})
"""Names by which a client leaves the choice to the router."""

type Document = Mapping[str, Any]


def chosen_model(document: Document, models: Sequence[str], body: Mapping[str, Any]) -> str:
    """Return the model that shall answer a request, empty when there is none.

    A model that the client names is taken when the configuration (``models``) has it. Otherwise the first
    decision of the highest priority whose keyword conditions hold decides, else the default model.
    """
    asked = str(body.get("model", ""))
    if asked not in AUTOMATIC:
        return asked if asked in models else ""
    said = " ".join(_texts(body)).lower()
    decisions = _section(document, "routing").get("decisions") or []
    for decision in sorted(decisions, key=lambda one: -int(one.get("priority") or 0)):
        if decision.get("modelRefs") and _holds(decision["rules"], document, said):
            first = decision["modelRefs"][0]
            return str(first.get("lora_name") or first["model"])
    return str(_section(document, "providers", "defaults").get("default_model") or "")


def _texts(body: Mapping[str, Any]) -> Iterator[str]:
    for message in body.get("messages") or ():
        if isinstance(message.get("content"), str):
            yield message["content"]


def _holds(rules: Mapping[str, Any], document: Document, said: str) -> bool:
    found = [_signal(condition, document, said) for condition in rules.get("conditions") or ()]
    combine: Mapping[str, Callable[[list[bool]], bool]] = {
        "AND": all,
        "OR": any,
        "NOT": lambda each: not any(each),
    }
    return bool(found) and combine[str(rules.get("operator") or "AND")](found)


def _signal(condition: Mapping[str, Any], document: Document, said: str) -> bool:
    """Whether a keyword signal is there; signals that need a model in the router never are."""
    if condition["type"] != "keyword":
        return False
    for signal in _section(document, "routing", "signals").get("keywords") or ():
        if signal["name"] == condition["name"]:
            return any(keyword.lower() in said for keyword in signal["keywords"])
    return False


def _section(document: Document, *names: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = document
    for name in names:
        found = found.get(name) or {}
    return found

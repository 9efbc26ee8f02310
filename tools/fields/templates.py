"""The expressions of roles, evaluated without Ansible: much faster, for those few things that our roles use.

``tests/unit/fields`` holds what comes out to what Ansible itself makes of the same files.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import jinja2
from jinja2 import meta
from jinja2.environment import TemplateExpression
from jinja2.filters import do_map
from jinja2.runtime import Undefined

from tools.generate.files import CHECKOUT

COLLECTION = "ansible_collections.vllm.semantic_router"

type Scope = dict[str, Any]
"""Variables by name; values that are templates are ``Later``."""


@dataclass(frozen=True, slots=True, eq=False)
class Later:
    """A variable that is a template: evaluated whenever it is used."""

    text: str
    scope: Scope


class Lazy(Mapping[str, Any]):
    """A mapping whose texts are templates, evaluated when they are asked for."""

    def __init__(self, items: Mapping[str, Any], scope: Scope) -> None:
        """Keep both; ``scope`` may learn further names later."""
        self._items, self._scope = items, scope

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - any YAML
        return evaluated(self._items[key], self._scope)

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)


class Quick:
    """The language of the roles without Ansible."""

    def evaluated(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401 - any YAML
        """Evaluate every template in ``value``; raises jinja2's errors, also for a name that is not there."""
        return evaluated(value, scope)

    def later(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401 - any YAML
        """Give a value whose templates are evaluated when they are used."""
        return Later(value, scope) if isinstance(value, str) else evaluated(value, scope)

    def holds(self, condition: object, scope: Scope) -> bool:
        """Whether a ``when`` holds: an expression, a list of which all must hold, or a boolean."""
        if isinstance(condition, list):
            return all(self.holds(one, scope) for one in condition)
        return bool(_result(condition, scope)) if isinstance(condition, str) else bool(condition)


def evaluated(value: Any, scope: Scope) -> Any:  # noqa: ANN401 - any YAML
    """Evaluate the templates in ``value``, those in mappings when they are asked for."""
    if isinstance(value, str):
        return _text(value, scope)
    if isinstance(value, Mapping):
        return Lazy(value, scope)
    return [evaluated(item, scope) for item in value] if isinstance(value, list) else value


def _text(text: str, scope: Scope) -> Any:  # noqa: ANN401 - a lone expression keeps its type
    stripped = text.strip()
    if "{{" not in stripped:
        return text
    if stripped.startswith("{{") and stripped.endswith("}}") and stripped.count("{{") == 1:
        return _result(stripped.removeprefix("{{").removesuffix("}}"), scope)
    return _template(text).render(_used(text, scope))


def _result(expression: str, scope: Scope) -> Any:  # noqa: ANN401 - any value
    value = _expression(expression)(_used(f"{{{{ {expression} }}}}", scope))
    if isinstance(value, Undefined):
        value._fail_with_undefined_error()  # noqa: SLF001 - the error that says which name is missing
    return value


def _used(text: str, scope: Scope) -> Scope:
    """Return the variables that a template uses; one that is not there is left for jinja2 to complain about."""
    values = {name: scope[name] for name in _names(text) if name in scope}
    return {
        name: _text(value.text, value.scope) if isinstance(value, Later) else value
        for name, value in values.items()
    }


@jinja2.pass_context
def _map(*arguments: Any) -> list[Any]:  # noqa: ANN401 - what jinja2's own filter takes
    return list(do_map(*arguments))


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701 - no HTML
    for file in sorted((CHECKOUT / "plugins" / "filter").glob("*.py")):
        module = import_module(f"{COLLECTION}.plugins.filter.{file.stem}")
        for name, function in module.FilterModule().filters().items():
            environment.filters[f"vllm.semantic_router.{name}"] = function
    environment.filters["extract"] = lambda item, container: container[item]
    environment.filters["map"] = _map  # Ansible makes lists of generators
    return environment


ENVIRONMENT = _environment()


@cache
def _names(text: str) -> frozenset[str]:
    return frozenset(meta.find_undeclared_variables(ENVIRONMENT.parse(text)))


@cache
def _expression(text: str) -> TemplateExpression:
    return ENVIRONMENT.compile_expression(text, undefined_to_none=False)


@cache
def _template(text: str) -> jinja2.Template:
    return ENVIRONMENT.from_string(text)

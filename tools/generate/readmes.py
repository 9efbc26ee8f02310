"""``roles/<role>/README.md``: what a role is for, what it takes, its condition, and an example."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import fill

from tools.generate.argument_specs import TYPES, default_text, variables
from tools.generate.crd import spec_schema
from tools.generate.field_types import Schema
from tools.generate.files import CHECKOUT, dump
from tools.generate.roles import Role, roles

HEADER = (
    "<!-- Made from crds/source/ and tools/generate/roles.yaml by `make generate`; change it there. -->\n"
)
PAGE = """{header}
# {name}

{about}

## Variables

{variables}

## Fields of `{name}_resource.spec` that it reads

Other fields may be there and are not looked at. Defaults are those of the CRD.

{fields}

## Condition

{condition}

## Example

`{name}_observed` is what the module `vllm.semantic_router.observe` returns; its `entry` is the first one of
the collection's `watches.yaml`. In the playbooks of the collection, `--tags {name}` runs this role only.

```yaml
{example}
```
"""
TEXT_WIDTH = 110


def render() -> dict[Path, str]:
    """Every role's file and its content."""
    schema = spec_schema()
    return {CHECKOUT / "roles" / role.name / "README.md": page(role, schema) for role in roles()}


def page(role: Role, schema: Schema) -> str:
    """The content of one file; ``schema`` is that of ``spec``."""
    return PAGE.format(
        header=HEADER,
        name=role.name,
        about=fill(role.about, TEXT_WIDTH),
        variables=table(("Variable", "Type", "Default", "What it is"), variable_rows(role, schema)),
        fields=table(("Field", "Type", "Default", "What it is"), field_rows(role, "", schema)),
        condition=fill(f"`{role.condition}` is {role.meaning}", TEXT_WIDTH),
        example=example(role).rstrip(),
    )


def table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '\\|') for cell in line)} |" for line in lines)


def variable_rows(role: Role, schema: Schema) -> Iterator[Sequence[str]]:
    """One row for each variable of the role."""
    for name, option in variables(role, schema).items():
        default = "required" if option.get("required") else f"`{option.get('default')}`"
        yield f"`{name}`", option["type"], default, option["description"]


def field_rows(role: Role, path: str, schema: Schema) -> Iterator[Sequence[str]]:
    """One row for each field below an object that the role looks into."""
    required = schema.get("required", [])
    for name, inner in schema.get("properties", {}).items():
        here = f"{path}.{name}".removeprefix(".")
        if role.looks_into(here):
            default = "required" if name in required else default_cell(inner)
            yield f"`{here}`", type_word(inner), default, inner["description"]
        if role.passes_through(here) or (role.looks_into(here) and not role.hands(here)):
            is_list = "items" in inner
            yield from field_rows(role, f"{here}[]" if is_list else here, inner.get("items", inner))


def default_cell(schema: Schema) -> str:
    """The default, or nothing."""
    return f"`{default_text(schema['default'])}`" if "default" in schema else ""


def type_word(schema: Schema) -> str:
    """Type of a field for a reader: its choices, where it has some."""
    inner = schema.get("items", schema)
    if "enum" in inner:
        return ", ".join(f"`{choice}`" for choice in inner["enum"])
    word = TYPES.get(inner.get("type", ""), "int or str")
    return f"list of {word}" if "items" in schema else word


def example(role: Role) -> str:
    """A playbook that uses the role."""
    resource = {
        "apiVersion": "vllm.ai/v1alpha1",
        "kind": "SemanticRouter",
        "metadata": {"name": "test-router", "namespace": "default"},
        "spec": role.example,
    }
    look = {
        "name": "Look at what the resource refers to",
        "vllm.semantic_router.observe": {"resource": "{{ router }}", "entry": "{{ watches[0] }}"},
        "register": "seen",
    }
    task = {
        "name": f"Run {role.name}",
        "ansible.builtin.include_role": {"name": f"vllm.semantic_router.{role.name}"},
        "vars": {f"{role.name}_resource": "{{ router }}", f"{role.name}_observed": "{{ seen.observed }}"},
    }
    play = {
        "name": f"Use the role {role.name}",
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {
            "watches": "{{ lookup('ansible.builtin.file', 'watches.yaml') | from_yaml }}",
            "router": resource,
        },
        "tasks": [look, task],
    }
    return dump([play])

"""The variables that a role or playbook of ansible-operator receives. Pure."""

from collections.abc import Mapping

from playbook_engine.compat.snake import with_snake_case
from playbook_engine.objects import GroupVersionKind, Object, key_of, mapping
from playbook_engine.watches.records import Parameters

META = "ansible_operator_meta"


def variables(
    resource: Object, parameters: Parameters, extra: Mapping[str, object]
) -> tuple[dict[str, object], frozenset[str]]:
    """Give the variables for a resource, and the names of those whose texts are never templates.

    ``extra`` are those of the watches file; they go before fields of the ``spec`` of the same name::

        spec:                     size, db_host: …           (names converted or not)
          size: 3                 ansible_operator_meta:      {name, namespace}
          dbHost: …               _example_com_pot:           the whole resource
                                  _example_com_pot_spec:      its spec as it is
    """
    key = key_of(resource)
    spec = mapping(resource.get("spec"))
    fields = mapping(with_snake_case(spec)) if parameters.snake_case else spec
    whole = whole_name(key.gvk)
    found = {
        **fields,
        META: {"name": key.name, "namespace": key.namespace},
        whole: resource,
        f"{whole}_spec": spec,
        **extra,
    }
    unsafe = ({*fields, whole, f"{whole}_spec"} - {META}) - set(extra) if parameters.unsafe else set()
    return found, frozenset(unsafe)


def whole_name(gvk: GroupVersionKind) -> str:
    """Give the name of the variable that has the whole resource: ``_example_com_pot``, ``__secret`` for a Secret."""
    group = gvk.group.replace(".", "_").replace("-", "_")
    return f"_{group}_{gvk.kind.lower()}"

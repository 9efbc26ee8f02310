"""A program: goes through the roles by Ansible's own templates for resources read from stdin, and prints what came out.

A process of its own, because Ansible must be the first to look for collections.
"""

import json
import sys
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar, trust_as_template


class Ansible:
    """The language of the roles by Ansible itself."""

    def __init__(self) -> None:
        """Read nothing yet."""
        self._loader = DataLoader()

    def evaluated(self, value: Any, scope: dict[str, Any]) -> Any:  # noqa: ANN401 - any YAML
        """Evaluate every template in ``value``."""
        return Templar(self._loader, variables=scope).template(trusted(value))

    def later(self, value: Any, scope: dict[str, Any]) -> Any:  # noqa: ANN401 - any YAML
        """Leave the templates to Ansible, which evaluates variables when they are used."""
        del scope
        return trusted(value)

    def holds(self, condition: object, scope: dict[str, Any]) -> bool:
        """Whether a ``when`` holds."""
        found: bool = Templar(self._loader, variables=scope).evaluate_conditional(trusted(condition))
        return found


def trusted(value: Any) -> Any:  # noqa: ANN401 - any YAML
    """Mark every text as one of ours, as Ansible does with what it reads from roles."""
    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    return [trusted(item) for item in value] if isinstance(value, list) else value


def main() -> None:
    """Read a list of resources with what was observed, and print what a run gives for each."""
    init_plugin_loader([])
    from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import plain  # noqa: PLC0415

    from tools.fields.runs import run  # noqa: PLC0415

    runs = [run(resource, observed, Ansible()) for resource, observed in json.load(sys.stdin)]
    shown = [plain([one.applied, one.removed, one.conditions, one.status]) for one in runs]
    json.dump(shown, sys.stdout)


if __name__ == "__main__":
    main()

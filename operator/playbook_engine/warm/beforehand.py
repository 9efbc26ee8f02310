"""What each run would work out anew, and comes to the same: worked out once, in the server, for all its forks.

Runs with settings of Ansible's own are never warm, so what depends on Ansible's configuration is the same for all.
"""

import importlib.util
import sys
import warnings
from typing import Any

from ansible._internal import _task
from ansible.cli import playbook as command

_ABSENT = ("kubernetes_validate",)
"""Modules that are looked for by each task of ``kubernetes.core``, and are seldom there."""


def install() -> None:
    """Work it out, and have it used; raises AttributeError when Ansible is not as expected."""
    _have_a_parser()
    _know_what_is_absent()
    for source_is_module in (True, False):
        _task.UnifiedTaskResult.get_result_key_to_resolved_field_mapping(source_is_module=source_is_module)
    # Told by Ansible in each fork, because the server has found the collections already.
    warnings.filterwarnings("ignore", message="AnsibleCollectionFinder has already been configured")


def _have_a_parser() -> None:
    """Make the parser of the command line, which has a hundred options."""
    made = command.PlaybookCLI(["ansible-playbook"])
    made.init_parser()
    parser = made.parser

    def init_parser(self: Any) -> None:  # noqa: ANN401 - Ansible's
        self.parser = parser

    command.PlaybookCLI.init_parser = init_parser


def _know_what_is_absent() -> None:
    """Let an import fail at once where it would fail after a search of all paths."""
    modules: dict[str, Any] = sys.modules
    for name in _ABSENT:
        if name not in modules and importlib.util.find_spec(name) is None:
            modules[name] = None  # Python's own sign for it

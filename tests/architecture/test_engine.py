"""The engine is generic, layered, and each library is known to one room of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import CHECKOUT, ENGINE, imports, python_files, shown

IMPORTERS = {
    "aiohttp": "cluster observability proxy",
    "ansible": "warm collections",
    "ansible_collections": "collections",
    "ansible_runner": "runs",
    "cryptography": "proxy",
    "jmespath": "expressions.py",
    "jinja2": "warm",
    "kopf": "events",
    "kubernetes": "collections",
    "opentelemetry": "observability",
    "prometheus_client": "observability",
    "rich": "terminal.py",
    "structlog": "observability",
    "urllib3": "collections",
    "yaml": "watches",
    "yarl": "cluster",
}
"""Which room of the engine may import which library; an empty name: none.

Two rooms listen, and share nothing but the library: one answers probes, the other hands requests on as they come.
"""

PRODUCT_WORDS = ("semantic", "vllm", "router")
OWN = {"playbook_engine"}


def room(path: Path) -> str:
    return path.relative_to(ENGINE).parts[0]


def libraries() -> set[tuple[str, str]]:
    """Return (library, room) for everything outside the standard library that the engine imports."""
    known = set(sys.stdlib_module_names) | OWN
    return {
        (name.partition(".")[0], room(path))
        for path in python_files("operator")
        for name in imports(path)
        if name.partition(".")[0] not in known
    }


def test_each_library_is_imported_by_its_own_room_only() -> None:
    strangers = {
        (library, place) for library, place in libraries() if place not in IMPORTERS.get(library, "").split()
    }
    assert not strangers, "not the importer that docs/architecture.md names for the library"


def test_imports_only_go_down_the_rooms() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_no_room_uses_the_fakes_that_are_shipped_for_tests() -> None:
    users = [
        shown(path)
        for path in python_files("operator")
        if room(path) != "testing"
        and any(name.startswith("playbook_engine.testing") for name in imports(path))
    ]
    assert not users


@pytest.mark.parametrize("word", PRODUCT_WORDS)
def test_the_engine_does_not_know_any_product(word: str) -> None:
    knowing = [shown(path) for path in python_files("operator") if word in path.read_text("utf-8").lower()]
    assert not knowing


def test_the_source_root_does_not_hide_the_standard_librarys_operator() -> None:
    assert not (CHECKOUT / "operator" / "__init__.py").exists()
    assert [path.name for path in (CHECKOUT / "operator").glob("*.py")] == []
    script = "import operator, playbook_engine; print(operator.itemgetter(0)([7]), playbook_engine.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["7", str(ENGINE / "__init__.py")]


def test_the_plugins_of_the_roles_do_not_need_the_engine() -> None:
    users = [
        shown(path)
        for path in python_files("plugins")
        if any(name.partition(".")[0] in OWN for name in imports(path))
    ]
    assert not users

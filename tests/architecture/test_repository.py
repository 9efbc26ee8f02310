"""What is in the repository: without traces of a machine, and with commands that exist."""

import re
from pathlib import Path

import pytest

from tests.architecture.sources import CHECKOUT, shown, tracked

COMMAND = re.compile(r"\bmake ([a-z][a-z-]*)")
TARGET = re.compile(r"^([a-z][a-z -]*):", re.MULTILINE)
EXAMPLES = {"help"}

MACHINE = re.compile(
    rb"/(?:root|work|home/[a-z]+|Users/[A-Za-z]+)/|\.pyenv/versions/[0-9.]+/"  # paths of one machine
    rb"|pypi\.org|files\.pythonhosted|proxy\.golang\.org|sum\.golang\.org|/simple/"  # hosts of registries
)
SELF = Path(__file__)
GENERATED_BY_OTHERS = {"LICENSE"}


def make_targets() -> set[str]:
    files = [CHECKOUT / "Makefile", *(CHECKOUT / "Makefile.d").glob("*.mk")]
    lines = [match for file in files for match in TARGET.findall(file.read_text(encoding="utf-8"))]
    return {name for names in lines for name in names.split()}


@pytest.mark.parametrize("document", [path for path in tracked() if path.suffix == ".md"], ids=shown)
def test_every_make_command_of_a_document_exists(document: Path) -> None:
    named = set(COMMAND.findall("\n".join(code_of(document))))
    assert named <= make_targets()


def code_of(document: Path) -> list[str]:
    """Return the pieces of a Markdown file that are set as code."""
    text = document.read_text(encoding="utf-8")
    return re.findall(r"```.*?```", text, re.DOTALL) + re.findall(r"`[^`\n]+`", text)


def test_every_test_that_a_document_names_is_there() -> None:
    """What the guides claim is shown by the tests that they name."""
    defined = {
        name
        for path in (CHECKOUT / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))
    }
    documents = [
        path for path in tracked() if path.suffix == ".md" and path.is_relative_to(CHECKOUT / "docs")
    ]
    named = {
        name for path in documents for name in re.findall(r"`(test_\w+)`", path.read_text(encoding="utf-8"))
    }
    assert named
    assert sorted(named - defined) == []


def test_the_readme_names_the_commands_that_matter() -> None:
    named = set(COMMAND.findall((CHECKOUT / "README.md").read_text(encoding="utf-8")))
    assert {"demo", "test", "install", "run", "deploy", "uninstall", "cluster-up", "cluster-down"} <= named


def test_every_make_target_is_phony_or_a_file_and_says_what_it_does() -> None:
    for file in (CHECKOUT / "Makefile.d").glob("*.mk"):
        text = file.read_text(encoding="utf-8")
        phony = {name for line in re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE) for name in line.split()}
        described = set(re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE))
        assert phony == described, shown(file)


def test_no_file_has_a_path_of_a_machine_or_the_host_of_a_registry() -> None:
    found = [
        f"{shown(path)}: {match[0].decode()}"
        for path in tracked()
        if path != SELF
        for match in MACHINE.finditer(path.read_bytes())
    ]
    assert not found


def test_the_samples_have_the_file_names_of_the_documentation() -> None:
    link = CHECKOUT / "config" / "samples"
    assert link.is_symlink()
    assert link.resolve() == CHECKOUT / "samples"
    for name in ("simple", "redis_cache"):
        assert (link / f"vllm.ai_v1alpha1_semanticrouter_{name}.yaml").is_file()

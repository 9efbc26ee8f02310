"""The command of a project that says nowhere but in its environment for what it was written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = "from playbook_engine.cli import main; raise SystemExit(main())"
ENTRY = "- {group: example.com, version: v1, kind: Pot, role: pot, snakeCaseParameters: false}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "shared" / "pot").mkdir(parents=True)
    (tmp_path / "watches.yaml").write_text(ENTRY)
    return tmp_path


def validate(project: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "300", **environ}
    command = [sys.executable, "-c", PROGRAM, "validate", *arguments]
    return subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        (("--compatibility", "ansible-operator"), {"ANSIBLE_ROLES_PATH": "shared"}),
        (("--ansible-roles-path=shared",), {"PLAYBOOK_ENGINE_COMPATIBILITY": "ansible-operator"}),
        (("--compatibility=ansible-operator", "--ansible-roles-path=shared", "--zap-devel"), {}),
    ],
)
def test_a_flag_or_a_variable_says_for_what_it_was_written(
    project: Path, arguments: tuple[str, ...], environ: dict[str, str]
) -> None:
    done = validate(project, *arguments, **environ)
    assert done.returncode == 0, done.stderr
    assert str(project / "shared" / "pot") in done.stdout


def test_the_file_says_it_without_a_flag(project: Path) -> None:
    (project / "watches.yaml").write_text(f"compatibility: ansible-operator\nwatches:\n{ENTRY}")
    assert validate(project, "--ansible-roles-path=shared").returncode == 0


def test_without_a_word_keys_of_others_are_refused_with_the_switch(project: Path) -> None:
    done = validate(project, "--ansible-roles-path=shared")
    assert done.returncode == 2
    assert "write 'compatibility: ansible-operator' beside 'watches'" in done.stderr

"""Commands of a watches file: what a person gives becomes variables, and what the playbook makes is shown."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from playbook_engine.cli import main

PLAYBOOK = """\
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Refuse what nobody likes
      ansible.builtin.fail:
        msg: nobody likes soup
      when: "'soup' in lookup('ansible.builtin.file', files[0])"
    - name: Make the directory
      ansible.builtin.file: {path: "{{ output }}/deep", state: directory, mode: "0755"}
    - name: Write what was asked for
      ansible.builtin.copy:
        content: "{{ {'dish': dish, 'space': target_namespace | default('none')} | to_json }}"
        dest: "{{ output }}/deep/dish.yaml"
        mode: "0644"
      vars:
        dish: "{{ lookup('ansible.builtin.file', files[0]) }}"
"""
WATCHES = """\
- version: v1
  kind: Pot
  playbook: cook.yml
  commands:
    cook: {playbook: cook.yml, shows: files, help: cook a dish}
    try-it: {playbook: cook.yml}
"""

type Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in a directory with a watches file; gives code, standard output and standard error."""
    (tmp_path / "cook.yml").write_text(PLAYBOOK, encoding="utf-8")
    (tmp_path / "watches.yaml").write_text(WATCHES, encoding="utf-8")
    (tmp_path / "asked").write_text("stew", encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str, str]:
        code = main(words)
        told = capfd.readouterr()
        return code, told.out, told.err

    return call


def test_what_was_written_is_shown_and_nothing_else(run: Run) -> None:
    code, out, err = run("cook", "-f", "asked", "-n", "kitchen")
    assert (code, err) == (0, "")
    assert out.startswith("---\n")
    assert json.loads(out.removeprefix("---\n")) == {"dish": "stew", "space": "kitchen"}


def test_a_directory_gets_the_files_and_their_names_are_shown(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("cook", "-f", "asked", "-o", "plates")
    assert code == 0
    assert Path(out.strip()) == tmp_path / "plates" / "deep" / "dish.yaml"
    assert json.loads(Path(out.strip()).read_text(encoding="utf-8"))["space"] == "none"


def test_standard_input_is_a_file_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("pie"))
    assert '"pie"' in run("cook", "-f", "-")[1]


def test_a_failure_is_told_on_standard_error_and_shows_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "asked").write_text("soup", encoding="utf-8")
    code, out, err = run("cook", "-f", "asked")
    assert code != 0
    assert out == ""
    assert err == "nobody likes soup\n"


def test_a_play_is_shown_as_ansible_tells_it(run: Run) -> None:
    code, out, _ = run("try-it", "-f", "asked")
    assert code == 0
    assert "Write what was asked for" in out
    assert "Refuse what nobody likes" not in out, "a task that was skipped is not told"


def test_the_help_names_the_commands_of_the_watches_file(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("--help")
    assert "cook a dish" in capfd.readouterr().out


def test_a_command_that_nobody_declared_is_wrong_usage(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run("bake", "-f", "asked")
    assert ended.value.code == 2
    assert "cook" in capfd.readouterr().err


def test_without_a_watches_file_that_can_be_read_its_problem_is_told(
    run: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "watches.yaml").unlink()
    with pytest.raises(SystemExit):
        run("cook", "-f", "asked")
    assert "name the file with --watches-file" in capfd.readouterr().err

"""Each file in testdata is wrong in the way that its name says; its first lines tell what is reported."""

from pathlib import Path

import pytest

from playbook_engine.watches.errors import WatchesFileError
from playbook_engine.watches.reading import read_watches

TESTDATA = Path(__file__).parent / "testdata"
MARK = "# wrong: "


def expected(file: Path) -> list[str]:
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line.removeprefix(MARK) for line in lines if line.startswith(MARK)]


@pytest.mark.parametrize("file", sorted(TESTDATA.glob("*.yaml")), ids=lambda file: file.stem)
def test_a_wrong_file_is_reported_with_line_key_and_next_step(file: Path) -> None:
    with pytest.raises(WatchesFileError) as raised:
        read_watches(file, {})
    found = [str(problem) for problem in raised.value.problems]
    assert [text.removeprefix(f"{file}:").replace(str(TESTDATA), "HERE") for text in found] == expected(file)
    assert str(raised.value).splitlines() == found


def test_every_wrong_file_says_what_is_wrong() -> None:
    assert [file.name for file in TESTDATA.glob("*.yaml") if not expected(file)] == []


def test_a_file_that_does_not_exist_is_named_with_the_flag_that_names_it(tmp_path: Path) -> None:
    file = tmp_path / "watches.yaml"
    with pytest.raises(WatchesFileError) as raised:
        read_watches(file, {})
    reason = "cannot be read (No such file or directory); name the file with --watches-file"
    assert str(raised.value) == f"{file}:1: {reason}"


def test_a_directory_in_place_of_the_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(WatchesFileError, match="cannot be read \\(Is a directory\\)"):
        read_watches(tmp_path, {})


def test_a_problem_in_an_alias_is_reported_where_the_alias_stands(tmp_path: Path) -> None:
    file = tmp_path / "watches.yaml"
    file.write_text(
        "- version: v1\n  kind: &kind pot\n  playbook: *kind\n  fieldManager: &manager 'a b'\n"
        "  finalizer:\n    name: *manager\n    playbook: x\n"
    )
    with pytest.raises(WatchesFileError) as raised:
        read_watches(file, {})
    lines = [(problem.line, problem.key) for problem in raised.value.problems]
    assert lines == [
        (2, "[0].kind"),
        (3, "[0].playbook"),
        (4, "[0].fieldManager"),
        (6, "[0].finalizer.name"),
        (7, "[0].finalizer.playbook"),
    ]

"""``python -m tools.generate``: stale files are found, shown and mended, and nothing else is written."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tools.generate.__main__ import check
from tools.generate.files import dump, stale, write


def test_a_stale_file_is_named_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "a.yaml", "old: 1\n")
    files: Mapping[Path, str] = {tmp_path / "a.yaml": "new: 1\n", tmp_path / "b.yaml": "there: 1\n"}
    assert check(files) == 1
    words = capsys.readouterr().err
    assert "-old: 1\n+new: 1\n" in words
    assert "+there: 1\n" in words
    assert "make generate" in words


def test_a_check_writes_nothing(tmp_path: Path) -> None:
    check({tmp_path / "a.yaml": "new: 1\n"})
    assert list(tmp_path.iterdir()) == []


def test_a_written_file_is_no_longer_stale(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "a.yaml"
    write(path, "a: 1\n")
    assert stale({path: "a: 1\n"}) == []


def test_the_same_content_gives_the_same_text_in_its_own_order() -> None:
    shared = {"b": [1], "a": "ä"}
    assert dump({"x": shared, "w": shared}) == "x:\n  b:\n    - 1\n  a: ä\nw:\n  b:\n    - 1\n  a: ä\n"

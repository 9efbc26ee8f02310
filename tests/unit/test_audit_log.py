"""What the tests read of an API server's audit log is all of it, also when a file was full and another has begun."""

import json
from pathlib import Path

from tests.support.audit import AuditLog


def write(path: Path, *names: str) -> None:
    """Append what a user named ``me`` has created."""
    entries = [
        {
            "verb": "create",
            "stage": "ResponseComplete",
            "user": {"username": "me"},
            "objectRef": {"resource": "pots", "name": name},
            "responseStatus": {"code": 201},
        }
        for name in names
    ]
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(entry) + "\n" for entry in entries)


def names(log: AuditLog, since: int) -> list[str]:
    return [one.name for one in log.writes("me", since)]


def test_a_mark_holds_when_the_file_it_was_made_in_is_full(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    log = AuditLog(path)
    write(path, "a")
    first = log.now()
    write(path, "b")
    path.rename(tmp_path / "audit-2026-11-26T07-31-43.840.log")
    write(path, "c")
    second = log.now()
    write(path, "d")
    path.rename(tmp_path / "audit-2026-11-26T08-02-00.001.log")
    write(path, "e")
    assert names(log, 0) == ["a", "b", "c", "d", "e"]
    assert names(log, first) == ["b", "c", "d", "e"]
    assert names(log, second) == ["d", "e"]
    assert names(log, log.now()) == []

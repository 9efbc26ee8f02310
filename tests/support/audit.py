"""Reads the audit log of a control plane: who wrote what between two moments.

The API server writes a line before it answers, so what was answered before ``now`` is before the mark. When the file
is full, at 100 MB, it gets the time as a part of its name, and another begins; none is removed.
"""

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

WRITING = {"create", "update", "patch", "delete", "deletecollection"}
CREATED, BAD_REQUEST = 201, 400
QUESTIONS = {"authorization.k8s.io", "authentication.k8s.io"}
"""Groups whose ``create`` asks something and stores nothing."""

CREDENTIAL = "authentication.kubernetes.io/credential-id"


def credential_of(kubeconfig: Path) -> str:
    """Return the identity of the token in a kubeconfig, as audit entries have it."""
    token = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))["users"][0]["user"]["token"]
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return f"JTI={claims['jti']}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One request that changes, or tries to change, what is stored.

    An apply that has made an object counts as ``create``.
    """

    verb: str
    resource: str
    namespace: str
    name: str
    code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A write with the token that it was sent with, as ``credential_of`` gives it, and when it was done."""

    write: Write
    credential: str
    at: str


@dataclass(frozen=True, slots=True)
class AuditLog:
    """The audit log of one control plane; ``path`` is the file that is written."""

    path: Path

    def now(self) -> int:
        """Return a mark for this moment: the length of all files together."""
        return sum(file.stat().st_size for file in self._files())

    def writes(self, user: str, since: int) -> list[Write]:
        """Return what ``user`` wrote after the mark, in order."""
        return [_write(entry) for entry in self._writes(user, since)]

    def signed(self, user: str, since: int) -> list[Signed]:
        """Return the same, with the token of each: two operators have the same account, but not the same token."""
        return [
            Signed(
                write=_write(entry),
                credential=entry["user"].get("extra", {}).get(CREDENTIAL, [""])[0],
                at=entry["stageTimestamp"],
            )
            for entry in self._writes(user, since)
        ]

    def requests(self, user: str, since: int) -> list[str]:
        """Return the verbs of what ``user`` asked for after the mark, but for watches and questions for rights."""
        return [entry["verb"] for entry in self._answered(user, since) if entry["verb"] != "watch"]

    def _writes(self, user: str, since: int) -> list[Any]:
        return [entry for entry in self._answered(user, since) if entry["verb"] in WRITING]

    def _answered(self, user: str, since: int) -> list[Any]:
        return [
            entry
            for entry in self._entries(user, since)
            if entry["stage"] == "ResponseComplete"
            and entry.get("objectRef", {}).get("apiGroup") not in QUESTIONS
        ]

    def bodies(self, resource: str, namespace: str, since: int) -> list[Any]:
        """Return what anybody sent to write objects of ``resource`` after the mark, where the log has it, in order."""
        return [
            entry["requestObject"]
            for entry in self._all(since)
            if entry.get("objectRef", {}).get("resource") == resource
            and entry["objectRef"].get("namespace") == namespace
            and isinstance(entry.get("requestObject"), dict)
            and entry.get("responseStatus", {}).get("code", 0) < BAD_REQUEST
        ]

    def verbs(self, user: str, resource: str, since: int = 0) -> set[str]:
        """Return how ``user`` asked for objects of ``resource`` after the mark; watches that go on count too."""
        entries = self._entries(user, since)
        return {entry["verb"] for entry in entries if entry.get("objectRef", {}).get("resource") == resource}

    def _entries(self, user: str, since: int) -> list[Any]:
        return [entry for entry in self._all(since) if entry["user"].get("username") == user]

    def _all(self, since: int) -> list[Any]:
        lines: list[bytes] = []
        for path in self._files():
            with path.open("rb") as file:
                file.seek(since)
                lines += file.read().splitlines()
                since = max(0, since - file.seek(0, os.SEEK_END))
        return [json.loads(line) for line in lines if line.endswith(b"}")]

    def _files(self) -> list[Path]:
        full = self.path.parent.glob(f"{self.path.stem}-*{self.path.suffix}")
        return [*sorted(full), self.path]


def _write(entry: dict[str, Any]) -> Write:
    target = entry.get("objectRef", {})
    resource = "/".join(part for part in (target.get("resource"), target.get("subresource")) if part)
    code = int(entry.get("responseStatus", {}).get("code", 0))
    return Write(
        verb="create" if code == CREATED else str(entry["verb"]),
        resource=resource,
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        code=code,
    )

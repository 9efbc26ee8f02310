"""Plugins that kubeconfigs name for credentials, as those of cloud providers.

The protocol: https://kubernetes.io/docs/reference/config-api/client-authentication.v1/. A plugin is never asked to
talk to a person.
"""

import base64
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from playbook_engine.cluster.errors import NoCredentialsError
from playbook_engine.cluster.login import Login, bearer
from playbook_engine.objects import mapping

VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
MOST_SECONDS = 60.0
_WORDS_CHARACTERS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """A program, and what it is told; ``title`` says where it is named."""

    title: str
    version: str
    command: str
    arguments: Sequence[str]
    added: Mapping[str, str]
    hint: str
    wants_cluster: bool

    @classmethod
    def of(cls, spec: Mapping[str, object], *, beside: Path, title: str) -> "Plugin":
        """Read ``exec`` of a user; a relative path begins at the kubeconfig ``beside`` it.

        Raises NoCredentialsError.
        """
        version, command = str(spec.get("apiVersion") or ""), str(spec.get("command") or "")
        title = f"{beside}: {title}"
        if version not in VERSIONS:
            wanted = " or ".join(VERSIONS)
            raise NoCredentialsError(f"{title}: exec.apiVersion is {version!r}, and has to be {wanted}")
        if not command:
            raise NoCredentialsError(f"{title}: exec.command is not given")
        return cls(
            title=title,
            version=version,
            command=str(beside.parent / command) if "/" in command else command,
            arguments=[str(one) for one in _listed(spec, "args")],
            added={str(one.get("name")): str(one.get("value")) for one in map(mapping, _listed(spec, "env"))},
            hint=str(spec.get("installHint") or ""),
            wants_cluster=spec.get("provideClusterInfo") is True,
        )

    def log_in(self, target: Login, environ: Mapping[str, str]) -> Login:
        """Run it, and give ``target`` with the credentials that it says.

        Raises NoCredentialsError, which never has what it printed.
        """
        answer = self._answer(target, environ)
        if answer.get("apiVersion") != self.version:
            raise self._wrong(f"answers in {answer.get('apiVersion')}, and was asked in {self.version}")
        status = mapping(answer.get("status"))
        names = ("token", "clientCertificateData", "clientKeyData", "expirationTimestamp")
        token, certificate, key, ends = (str(status.get(name) or "") for name in names)
        if not token and not (certificate and key):
            raise self._wrong("gave neither a token nor a certificate with its key")
        try:
            expires = datetime.fromisoformat(ends) if ends else None
        except ValueError as error:
            raise self._wrong(f"gave {ends!r} as expirationTimestamp") from error
        return replace(target, certificate=certificate, key=key, authorization=bearer(token), expires=expires)

    def _answer(self, target: Login, environ: Mapping[str, str]) -> Mapping[str, object]:
        command = [self.command, *self.arguments]
        told = {**environ, **self.added, "KUBERNETES_EXEC_INFO": json.dumps(self._asked(target))}
        try:
            done = subprocess.run(  # noqa: S603 - that is what a kubeconfig asks for
                command, env=told, stdin=subprocess.DEVNULL, capture_output=True, timeout=MOST_SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise self._wrong(f"did not end in {MOST_SECONDS:.0f} s") from None
        except OSError as error:
            raise self._wrong(f"cannot be run: {error.strerror}. {self.hint}".rstrip(". ")) from error
        if done.returncode:
            words = done.stderr.decode(errors="replace").strip()[-_WORDS_CHARACTERS:]
            raise self._wrong(f"ended with {done.returncode}: {words}")
        try:
            return mapping(json.loads(done.stdout))
        except ValueError:
            raise self._wrong("did not print an ExecCredential as JSON") from None

    def _wrong(self, what: str) -> NoCredentialsError:
        return NoCredentialsError(f"{self.title}: {self.command} {what}")

    def _asked(self, target: Login) -> dict[str, object]:
        spec: dict[str, object] = {"interactive": False}
        if self.wants_cluster:
            data = {"certificate-authority-data": base64.b64encode(target.authority.encode()).decode()}
            named = {
                "server": target.server,
                "tls-server-name": target.server_name,
                "proxy-url": target.proxy,
                **data,
            }
            spec["cluster"] = {
                **{key: value for key, value in named.items() if value},
                **({"insecure-skip-tls-verify": True} if target.insecure else {}),
            }
        return {"apiVersion": self.version, "kind": "ExecCredential", "spec": spec}


def _listed(spec: Mapping[str, object], key: str) -> Sequence[object]:
    found = spec.get(key)
    return found if isinstance(found, list) else ()

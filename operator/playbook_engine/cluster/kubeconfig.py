"""Reads kubeconfigs as kubectl does: several files count as one, and the first that says something is right.

The format: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from playbook_engine.cluster.errors import NoCredentialsError
from playbook_engine.cluster.exec_plugin import Plugin
from playbook_engine.cluster.login import Login, bearer
from playbook_engine.objects import mapping
from playbook_engine.watches.texts import NotYamlError, read_yaml


@dataclass(frozen=True, slots=True)
class _Part:
    """A cluster, a user or a context, and the file that it stands in: relative paths begin there."""

    path: Path
    title: str
    values: Mapping[str, object]

    def text(self, key: str) -> str:
        value = self.values.get(key)
        return "" if value is None else str(value)

    def place(self, key: str) -> Path | None:
        """Give the file that a key names."""
        named = self.text(key)
        return self.path.parent / named if named else None

    def pem(self, key: str) -> str:
        """Give what stands in ``<key>-data``, or else in the file that ``key`` names."""
        data = self.text(f"{key}-data")
        if data.startswith("-----"):
            return data
        if data:
            try:
                return base64.b64decode(data, validate=True).decode("ascii")
            except (binascii.Error, ValueError) as error:
                raise self.wrong(f"{key}-data is not base64 of a text in PEM") from error
        place = self.place(key)
        return _read(place) if place else ""

    def wrong(self, what: str) -> NoCredentialsError:
        return NoCredentialsError(f"{self.path}: {self.title}: {what}")


def read_kubeconfig(files: Sequence[Path], environ: Mapping[str, str]) -> Login:
    """Give the login of the current context; raises NoCredentialsError.

    A plugin that the user of the context names is run, with ``environ`` and what the kubeconfig adds.
    """
    configs = [(path, _mapping(path)) for path in files]
    current = next(
        (str(config["current-context"]) for _, config in configs if config.get("current-context")), ""
    )
    if not current:
        names = ", ".join(map(str, files))
        raise NoCredentialsError(f"{names}: no current-context; choose one: kubectl config use-context NAME")
    context = _part(configs, "context", current)
    cluster = _part(configs, "cluster", context.text("cluster"))
    user = _part(configs, "user", context.text("user"))
    server = cluster.text("server").rstrip("/")
    if not server:
        raise cluster.wrong("no server is given")
    target = Login(
        server=server,
        namespace=context.text("namespace"),
        authority=cluster.pem("certificate-authority"),
        insecure=cluster.values.get("insecure-skip-tls-verify") is True,
        server_name=cluster.text("tls-server-name"),
        proxy=cluster.text("proxy-url"),
    )
    return _login(target, user, environ)


def _login(target: Login, user: _Part, environ: Mapping[str, str]) -> Login:
    if "auth-provider" in user.values:
        raise user.wrong("auth-provider went with Kubernetes 1.26; use the exec plugin of the same provider")
    if "exec" in user.values:
        plugin = Plugin.of(mapping(user.values["exec"]), beside=user.path, title=user.title)
        return plugin.log_in(target, environ)
    token_file = user.place("tokenFile")
    return replace(
        target,
        certificate=user.pem("client-certificate"),
        key=user.pem("client-key"),
        authorization=bearer(_read(token_file)) if token_file else bearer(user.text("token")) or _basic(user),
        is_renewed=token_file is not None,
    )


def _basic(user: _Part) -> str:
    name, password = user.text("username"), user.text("password")
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}" if name else ""


def _part(configs: Iterable[tuple[Path, Mapping[str, object]]], kind: str, name: str) -> _Part:
    """Find a named part of any file."""
    looked: list[str] = []
    for path, config in configs:
        looked.append(str(path))
        listed = config.get(f"{kind}s")
        for item in map(mapping, listed if isinstance(listed, list) else ()):
            if item.get("name") == name:
                return _Part(path, f"{kind} {name}", mapping(item.get(kind)))
    raise NoCredentialsError(f"{', '.join(looked)}: there is no {kind} {name!r}")


def _mapping(path: Path) -> Mapping[str, object]:
    try:
        return mapping(read_yaml(_read(path).encode()))
    except NotYamlError as error:
        raise NoCredentialsError(f"{path}: not YAML: {error}") from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NoCredentialsError(f"{path} cannot be read: {error}") from error

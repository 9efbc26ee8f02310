"""Asks the real Envoy whether it takes a configuration, the files that it would only watch included.

``envoy --mode validate`` looks at the bootstrap alone. So every file that a bootstrap refers to, listeners and
clusters, routes and certificates, is put in the place of the reference first; nothing else is changed.
"""

import json
import subprocess
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import PurePath
from tempfile import NamedTemporaryFile
from typing import Any

ENVOY = str(resources.files("envoy") / "_bin" / "envoy")
LONGEST_SECONDS = 60

type Files = Mapping[str, str]
"""The texts of the files by their names; they are JSON, which is YAML too."""


def problems(files: Files, *, directories: Mapping[str, str] | None = None) -> str:
    """Return what Envoy says against the files, empty when it takes them.

    ``directories`` maps directories that the configuration names to those of this machine.
    """
    text = json.dumps(with_everything(files), ensure_ascii=False)
    for named, here in (directories or {}).items():
        text = text.replace(f'"{named}/', f'"{here}/').replace(f'"{named}"', f'"{here}"')
    return validate(text)


def validate(text: str) -> str:
    """Return what Envoy says against a bootstrap, empty when it takes it."""
    with NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        command = [ENVOY, "--mode", "validate", "--disable-hot-restart", "-l", "error", "-c", file.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LONGEST_SECONDS)
    return "" if done.returncode == 0 else done.stderr


def with_everything(files: Files) -> dict[str, Any]:
    """Return the bootstrap with the content of all files that it refers to, and of those that these refer to."""
    bootstrap: dict[str, Any] = json.loads(files["envoy.yaml"])
    static = bootstrap.setdefault("static_resources", {})
    dynamic = bootstrap.pop("dynamic_resources", {})
    static.setdefault("listeners", []).extend(_referred(files, dynamic.get("lds_config")))
    static.setdefault("clusters", []).extend(_referred(files, dynamic.get("cds_config")))
    for place in list(_mappings(static)):
        if "rds" in place:
            (place["route_config"],) = _referred(files, place.pop("rds")["config_source"])
            place["route_config"]["validate_clusters"] = True
        for secret in place.get("tls_certificate_sds_secret_configs") or ():
            static.setdefault("secrets", []).extend(_referred(files, secret.pop("sds_config")))
    return bootstrap


def _referred(files: Files, source: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the resources of a file, as they are written where no type has to be named."""
    if source is None:
        return []
    name = PurePath(source["path_config_source"]["path"]).name
    found = json.loads(files[name])["resources"]
    return [{key: value for key, value in one.items() if key != "@type"} for one in found]


def _mappings(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any YAML
    """Yield all mappings in a document."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _mappings(item)

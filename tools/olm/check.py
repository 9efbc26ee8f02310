"""``make bundle-check``: the validators of the Operator Framework, and opm, on what is in ``bundle/`` and ``catalog/``.

Both are Go programs of exact versions, built once into the cache. What a validator warns of and is right as it is
stands in ``EXPLAINED``; any other finding fails, and so does an explanation that no finding needs.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tools.demo.kube import CHECKOUT
from tools.env.install_collections import cache_directory

SOURCES = CHECKOUT / "tools" / "olm"
PACKAGES = {"verify": ".", "opm": "github.com/operator-framework/operator-registry/cmd/opm"}
TAGS = "json1,containers_image_openpgp"
MIGRATION = "bundle-object-to-csv-metadata"
"""The form of a catalog in which OLM reads what consoles show; opm's default is the older one."""

EXPLAINED: Mapping[str, str] = {}
"""Findings that are right as they are: a part of their text, and why."""


class ToolError(Exception):
    """A program could not be built or failed; the message has its own words."""


def program(name: str) -> Path:
    """Build one of the programs unless the cache has it for these versions; raises ToolError."""
    directory = SOURCES / name
    content = b"".join(path.read_bytes() for path in sorted(directory.iterdir()))
    target = cache_directory() / "olm" / f"{name}-{hashlib.sha256(content).hexdigest()[:16]}"
    if not target.exists():
        print(f"==> building {name}, once; opm takes minutes", flush=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        command = ["go", "build", "-trimpath", "-ldflags=-s -w", f"-tags={TAGS}", "-o", str(target)]
        output([*command, PACKAGES[name]], directory)
    return target


def output(command: list[str], directory: Path = CHECKOUT) -> str:
    """Run a program and return what it prints; raises ToolError when it fails."""
    environment = {**os.environ, "GOFLAGS": "-mod=readonly"}
    done = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        message = f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}"
        raise ToolError(message)
    return done.stdout


def findings(bundle: Path) -> list[dict[str, str]]:
    """Return every error and warning of the validators."""
    found: list[dict[str, str]] = json.loads(output([str(program("verify")), str(bundle)]))
    return found


def judged(found: list[dict[str, str]], explained: Mapping[str, str]) -> list[str]:
    """Return what is wrong: findings that nothing explains, and explanations of nothing."""
    told = [f"{one['level']}: {one['object']}: {one['field']} {one['text']}" for one in found]
    wrong = [line for line in told if not any(text in line for text in explained) or line.startswith("error")]
    idle = [text for text in explained if not any(text in line for line in told)]
    return [*wrong, *(f"EXPLAINED has {text!r}, which nobody warns of" for text in idle)]


def differences(catalog: Path, bundle: Path) -> list[str]:
    """Return in what the catalog's bundle is not what opm makes of the bundle's directory."""
    (listed,) = [item for item in _documents(catalog) if item["schema"] == "olm.bundle"]
    # Without the name of an image opm does not migrate what it makes of a directory.
    flags = [f"--migrate-level={MIGRATION}", f"--alpha-image-ref-template={listed['image']}", "--output=json"]
    rendered = json.loads(output([str(program("opm")), "render", *flags, str(bundle)]))
    wrong = [
        f"the catalog's {key} is {listed[key]!r}, but opm makes {rendered[key]!r} of the bundle"
        for key in ("name", "package")
        if listed[key] != rendered[key]
    ]
    ours, theirs = _by_type(listed), _by_type(rendered)
    wrong += [
        f"the catalog's {kind} is not what opm makes: {_first_difference(ours.get(kind), theirs.get(kind))}"
        for kind in sorted(ours | theirs)
        if ours.get(kind) != theirs.get(kind)
    ]
    images = [
        {one["image"] for one in item["relatedImages"]} - {listed["image"], ""} for item in (listed, rendered)
    ]
    return [*wrong, *([f"related images differ: {images}"] if images[0] != images[1] else [])]


def _first_difference(ours: Any, theirs: Any, path: str = "") -> str:  # noqa: ANN401 - JSON of any shape
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours | theirs):
            if ours.get(key) != theirs.get(key):
                return _first_difference(ours.get(key), theirs.get(key), f"{path}.{key}")
    return f"{path}: {str(ours)[:200]!r} and {str(theirs)[:200]!r}"


def _by_type(item: Mapping[str, Any]) -> dict[str, Any]:
    return {one["type"]: one["value"] for one in item["properties"]}


def _documents(catalog: Path) -> list[Any]:
    (file,) = catalog.glob("*/catalog.yaml")
    return list(yaml.safe_load_all(file.read_text(encoding="utf-8")))


def main(arguments: list[str]) -> int:
    """Check both, or with ``--bundle`` what needs no opm, which takes minutes to build; 1 when something is wrong."""
    bundle, catalog = CHECKOUT / "bundle", CHECKOUT / "catalog"
    try:
        wrong = judged(findings(bundle), EXPLAINED)
        if "--bundle" not in arguments:
            output([str(program("opm")), "validate", str(catalog)])
            wrong += differences(catalog, bundle)
    except ToolError as error:
        wrong = [str(error)]
    for line in wrong:
        print(line, file=sys.stderr)
    if not wrong:
        print("valid")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

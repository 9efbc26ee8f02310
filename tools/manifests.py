"""``python -m tools.manifests``: the manifests of a directory of ``deploy/``, with the image that is asked for.

kustomize sets the image, in a directory that is made for this and goes again, so that no file of the checkout is
changed by an installation.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tools.demo.kube import CHECKOUT, Kubectl, KubectlError

DEPLOY = CHECKOUT / "deploy"
IMAGE = "ghcr.io/vllm-project/semantic-router-operator"
"""The name that the files under ``deploy/`` have for the operator's image."""


def reference(image: str) -> Mapping[str, str]:
    """Split ``name[:tag][@digest]`` as kustomize wants it; a colon before the last slash belongs to a port."""
    name, _, digest = image.partition("@")
    path, slash, last = name.rpartition("/")
    base, _, tag = last.partition(":")
    parts = {"newName": f"{path}{slash}{base}", "newTag": tag, "digest": digest}
    return {key: value for key, value in parts.items() if value and not (digest and key == "newTag")}


def kustomization(directory: Path, *, overlay: str, image: str) -> dict[str, Any]:
    """Return the kustomization that gives an overlay another image; it will lie in ``directory``."""
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [os.path.relpath(DEPLOY / overlay, directory)],
        "images": [{"name": IMAGE, **reference(image)}],
    }


def render(kubectl: Kubectl, *, overlay: str, image: str) -> str:
    """Return the manifests as YAML; raises KubectlError with kustomize's own words."""
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary).resolve()
        content = yaml.safe_dump(kustomization(directory, overlay=overlay, image=image))
        (directory / "kustomization.yaml").write_text(content, encoding="utf-8")
        return kubectl.run("kustomize", str(directory))


def main(arguments: list[str]) -> int:
    """Print the manifests; the exit code is 1 when there are none."""
    parser = argparse.ArgumentParser(prog="python -m tools.manifests", description=__doc__)
    overlays = sorted(path.parent.name for path in DEPLOY.glob("*/kustomization.yaml"))
    parser.add_argument("overlay", choices=overlays)
    parser.add_argument("image")
    given = parser.parse_args(arguments)
    try:
        print(render(Kubectl(), overlay=given.overlay, image=given.image))
    except KubectlError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

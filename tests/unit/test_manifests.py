"""The name of an image is split as kustomize wants it."""

from pathlib import Path

import pytest

from tools.manifests import kustomization, reference


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("operator", {"newName": "operator"}),
        ("operator:1", {"newName": "operator", "newTag": "1"}),
        ("r.example.com:5000/a/operator", {"newName": "r.example.com:5000/a/operator"}),
        ("r.example.com:5000/a/operator:1", {"newName": "r.example.com:5000/a/operator", "newTag": "1"}),
        ("r.example.com/operator@sha256:ab", {"newName": "r.example.com/operator", "digest": "sha256:ab"}),
        ("r.example.com/operator:1@sha256:ab", {"newName": "r.example.com/operator", "digest": "sha256:ab"}),
    ],
)
def test_an_image_is_a_name_with_a_tag_or_a_digest(image: str, parts: dict[str, str]) -> None:
    assert reference(image) == parts


def test_the_overlay_is_found_from_a_directory_elsewhere(tmp_path: Path) -> None:
    found = kustomization(tmp_path, overlay="base", image="operator:1")
    (resource,) = found["resources"]
    assert (tmp_path / resource / "kustomization.yaml").resolve().is_file()

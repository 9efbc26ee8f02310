"""Kubeconfigs for tests."""

import base64
import json
from collections.abc import Mapping


def encoded(text: str) -> str:
    """Encode as ``…-data`` of a kubeconfig."""
    return base64.b64encode(text.encode()).decode()


def kubeconfig(cluster: Mapping[str, object], user: Mapping[str, object], **more: object) -> str:
    """Return the text of one with a single context; None in ``more`` leaves out a part."""
    content: dict[str, object] = {
        "clusters": [{"name": "c", "cluster": {**cluster}}],
        "users": [{"name": "u", "user": {**user}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u", "namespace": "kitchen"}}],
        "current-context": "x",
        **more,
    }
    return json.dumps({key: part for key, part in content.items() if part is not None})

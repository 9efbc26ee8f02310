"""The CustomResourceDefinition, from ``crds/source/*.yaml``."""

from pathlib import Path
from typing import Any

import yaml

from tools.generate.field_types import Schema
from tools.generate.files import CHECKOUT, dump
from tools.generate.notation import Fragments, schema

SOURCES = CHECKOUT / "crds" / "source"
TARGET = CHECKOUT / "crds" / "vllm.ai_semanticrouters.yaml"
HEADER = "# Made from crds/source/ by `make generate`; change it there.\n"

# A Service's name is a DNS label, and other names have a suffix behind this one. Only a resource without a
# status is checked, which means a new one (a name never changes): an object that was stored under another
# definition must stay able to report its status and to be deleted.
NAME_RULE = {
    "rule": (
        "has(self.status) || (size(self.metadata.name) <= 50"
        " && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$'))"
    ),
    "message": (
        "metadata.name is also the name of a Service and the start of other names: use at most 50"
        " lower-case letters, digits and '-', no dots, with a letter first and no '-' last"
    ),
}
COLUMNS = [
    ("Replicas", "integer", ".status.replicas", "Pods that there are."),
    ("Ready", "integer", ".status.readyReplicas", "Pods that serve."),
    ("Phase", "string", ".status.phase", "The state in one word."),
    ("Mode", "string", ".status.gatewayMode", "With an Envoy of its own, or behind an existing Gateway."),
    ("Age", "date", ".metadata.creationTimestamp", "Time since it was made."),
]
NAMES = {
    "kind": "SemanticRouter",
    "listKind": "SemanticRouterList",
    "plural": "semanticrouters",
    "singular": "semanticrouter",
    "shortNames": ["sr"],
    "categories": ["all"],
}
SUBRESOURCES = {
    "status": {},
    "scale": {
        "specReplicasPath": ".spec.replicas",
        "statusReplicasPath": ".status.replicas",
        "labelSelectorPath": ".status.selector",
    },
}


def load(name: str) -> Any:  # noqa: ANN401 -- YAML of any shape
    """One source file."""
    return yaml.safe_load((SOURCES / name).read_text(encoding="utf-8"))


def spec_schema() -> Schema:
    """Schema of ``spec``."""
    fragments = Fragments(load("core.yaml") | load("config.yaml"))
    return schema("spec", load("spec.yaml"), fragments)


def root_schema() -> Schema:
    """Schema of a whole SemanticRouter."""
    return {
        "type": "object",
        "description": (
            "A vLLM Semantic Router: sends each request for a language model to the model that suits it."
        ),
        "x-kubernetes-validations": [NAME_RULE],
        "properties": {
            "apiVersion": {"type": "string", "description": "vllm.ai/v1alpha1."},
            "kind": {"type": "string", "description": "SemanticRouter."},
            "metadata": {"type": "object"},
            "spec": spec_schema() | {"default": {}},
            "status": schema("status", load("status.yaml"), Fragments({})),
        },
    }


def definition() -> dict[str, Any]:
    """The whole CustomResourceDefinition."""
    version = {
        "name": "v1alpha1",
        "served": True,
        "storage": True,
        "subresources": SUBRESOURCES,
        "additionalPrinterColumns": [
            {"name": name, "type": kind, "jsonPath": path, "description": description}
            for name, kind, path, description in COLUMNS
        ],
        "schema": {"openAPIV3Schema": root_schema()},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": "semanticrouters.vllm.ai",
            "labels": {"app.kubernetes.io/part-of": "semantic-router-operator"},
        },
        "spec": {"group": "vllm.ai", "scope": "Namespaced", "names": NAMES, "versions": [version]},
    }


def render() -> dict[Path, str]:
    """The file and its content."""
    return {TARGET: HEADER + dump(definition())}

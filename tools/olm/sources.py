"""What bundle and catalog are made from: the Deployment, the rights, the definition, the samples and ``about.yaml``."""

import re
from pathlib import Path
from typing import Any

import yaml

from tools.demo.kube import CHECKOUT, documents
from tools.generate.files import dump

type Object = dict[str, Any]

HEADER = (
    "# Made from deploy/, crds/, samples/ and tools/olm/about.yaml by `make generate`; change it there.\n"
)
REGISTRY = "ghcr.io/vllm-project"
ICON = CHECKOUT / "docs" / "images" / "icon.svg"
NAMESPACED_READS = {"customresourcedefinitions", "namespaces", "storageclasses"}
"""What has no namespace, or is read of all: the one thing that needs a right on the cluster in every mode."""


def about() -> Object:
    """Return ``about.yaml``."""
    found: Object = yaml.safe_load((CHECKOUT / "tools" / "olm" / "about.yaml").read_text(encoding="utf-8"))
    return found


def version() -> str:
    """Return the version of the operator, which is that of the engine's package."""
    text = (CHECKOUT / "operator" / "playbook_engine" / "__init__.py").read_text(encoding="utf-8")
    match = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    assert match, "the package says no version"  # noqa: S101 - a fact of this repository
    return match[1]


def name() -> str:
    """Return the name of the ClusterServiceVersion."""
    return f"{about()['package']}.v{version()}"


def images() -> dict[str, str]:
    """Return the images by name: the operator's, and those that it runs unless a resource says otherwise."""
    (container,) = manager()["spec"]["template"]["spec"]["containers"]
    image = definition_schema()["spec"]["properties"]["image"]["properties"]
    workload = (CHECKOUT / "plugins" / "module_utils" / "workload.py").read_text(encoding="utf-8")
    envoy = re.search(r'^ENVOY_IMAGE = "(.+)"$', workload, re.MULTILINE)
    assert envoy, "plugins/module_utils/workload.py names no image of Envoy"  # noqa: S101 - a fact of this repository
    return {
        "manager": container["image"],
        "semantic-router": f"{image['repository']['default']}:{image['tag']['default']}",
        "envoy": envoy[1],
    }


def manager() -> Object:
    """Return the operator's Deployment."""
    (found,) = documents(CHECKOUT / "deploy" / "base" / "manager.yaml")
    result: Object = found
    return result


def definition() -> Object:
    """Return the CustomResourceDefinition."""
    (found,) = documents(CHECKOUT / "crds" / "vllm.ai_semanticrouters.yaml")
    result: Object = found
    return result


def definition_schema() -> Object:
    """Return the properties of the resource in its schema."""
    schema: Object = definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    return schema


def rules() -> tuple[list[Object], list[Object]]:
    """Return the operator's rights: in the namespaces that it watches, and on the cluster."""
    directory = CHECKOUT / "deploy" / "rbac"
    kinds = ("cluster_role.yaml", "plaintext_credentials.yaml", "leader_election_role.yaml")
    objects = [item for file in kinds for item in documents(directory / file)]
    found = [rule for item in objects for rule in item.get("rules", [])]
    on_cluster = [rule for rule in found if set(rule["resources"]) <= NAMESPACED_READS]
    return [rule for rule in found if rule not in on_cluster], on_cluster


def samples() -> list[Object]:
    """Return every sample, the simplest one first, because it is what a console offers first."""
    files = sorted(
        (CHECKOUT / "samples").glob("*.yaml"), key=lambda path: ("simple" not in path.name, path.name)
    )
    return [item for path in files for item in documents(path)]


def written(path: Path, *objects: Object) -> dict[Path, str]:
    """Return a file with its objects, under the note where it comes from."""
    return {path: HEADER + "---\n".join(dump(item) for item in objects)}

"""The files of the bundle and of the catalog, as they are in the repository or as an image of them has them."""

from pathlib import Path
from typing import Any

from tools.demo.kube import CHECKOUT, documents
from tools.olm import sources
from tools.olm.service_version import service_version
from tools.olm.sources import Object, written

BUNDLE_IMAGE = f"{sources.REGISTRY}/semantic-router-operator-bundle"
CATALOG_IMAGE = f"{sources.REGISTRY}/semantic-router-operator-catalog"
BESIDE = ("metrics_service.yaml", "disruption_budget.yaml", "user_roles.yaml")
"""Of ``deploy/base``, what OLM installs beside the Deployment and its rights."""
LABELS = {"app.kubernetes.io/name": "semantic-router-operator"}
OF_THE_CATALOG = (
    "annotations", "displayName", "description", "keywords", "links", "maturity", "minKubeVersion", "provider",
    "installModes",
)  # fmt: skip


def render() -> dict[Path, str]:
    """Return what is in the repository: with the image's own names and the version as tag."""
    tag = sources.version()
    image = f"{sources.REGISTRY}/semantic-router-operator:v{tag}"
    return files(CHECKOUT, image=image, bundle_image=f"{BUNDLE_IMAGE}:v{tag}")


def files(directory: Path, *, image: str, bundle_image: str) -> dict[Path, str]:
    """Return ``bundle/`` and ``catalog/`` below a directory, for an image of the operator and one of the bundle."""
    package = sources.about()["package"]
    manifests = directory / "bundle" / "manifests"
    csv = service_version(image)
    found = written(manifests / f"{package}.clusterserviceversion.yaml", csv)
    found |= written(manifests / "vllm.ai_semanticrouters.yaml", sources.definition())
    for item in beside():
        found |= written(manifests / f"{item['metadata']['name']}_{item['kind'].lower()}.yaml", item)
    found |= written(directory / "bundle" / "metadata" / "annotations.yaml", {"annotations": marks()})
    found |= written(directory / "catalog" / package / "catalog.yaml", *catalog(csv, bundle_image))
    return found


def beside() -> list[Object]:
    """Return the other objects of the bundle: without a namespace, which OLM gives them."""
    objects = [item for file in BESIDE for item in documents(CHECKOUT / "deploy" / "base" / file)]
    for item in objects:
        item["metadata"].pop("namespace", None)
        item["metadata"]["labels"] = {**LABELS, **item["metadata"].get("labels", {})}
    return objects


def marks() -> dict[str, str]:
    """Return what says that a directory, or an image by its labels, is a bundle."""
    about = sources.about()
    prefix = "operators.operatorframework.io.bundle"
    return {
        f"{prefix}.mediatype.v1": "registry+v1",
        f"{prefix}.manifests.v1": "manifests/",
        f"{prefix}.metadata.v1": "metadata/",
        f"{prefix}.package.v1": about["package"],
        f"{prefix}.channels.v1": about["channel"],
        f"{prefix}.channel.default.v1": about["channel"],
        "com.redhat.openshift.versions": "v4.12",
    }


def catalog(csv: Object, bundle_image: str) -> tuple[Object, Object, Object]:
    """Return the package, its channel and its one bundle, as a file-based catalog has them."""
    about, name = sources.about(), csv["metadata"]["name"]
    icon = csv["spec"]["icon"][0]
    return (
        {
            "schema": "olm.package",
            "name": about["package"],
            "defaultChannel": about["channel"],
            "description": about["summary"],
            "icon": {"base64data": icon["base64data"], "mediatype": icon["mediatype"]},
        },
        {
            "schema": "olm.channel",
            "package": about["package"],
            "name": about["channel"],
            "entries": [{"name": name}],
        },
        {
            "schema": "olm.bundle",
            "package": about["package"],
            "name": name,
            "image": bundle_image,
            "properties": properties(csv),
            "relatedImages": [{"name": "", "image": bundle_image}, *csv["spec"]["relatedImages"]],
        },
    )


def properties(csv: Object) -> list[Object]:
    """Return by what OLM resolves and what consoles show before the bundle is pulled."""
    about, definition = sources.about(), sources.definition()
    kind = {
        "group": definition["spec"]["group"],
        "kind": definition["spec"]["names"]["kind"],
        "version": definition["spec"]["versions"][0]["name"],
    }
    told: dict[str, Any] = {**csv["spec"], "annotations": csv["metadata"]["annotations"]}
    metadata = {key: told[key] for key in OF_THE_CATALOG}
    metadata["labels"] = csv["metadata"]["labels"]
    metadata["apiServiceDefinitions"] = {}
    metadata["crdDescriptions"] = csv["spec"]["customresourcedefinitions"]
    return [
        {"type": "olm.gvk", "value": kind},
        {"type": "olm.package", "value": {"packageName": about["package"], "version": sources.version()}},
        {"type": "olm.csv.metadata", "value": metadata},
    ]

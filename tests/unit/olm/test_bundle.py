"""What scorecard would ask of the bundle: resources, descriptors, examples that fit, and labels that agree."""

import json
import re
from typing import Any

import jsonschema
import pytest
import yaml

from tests.support.cluster import CHECKOUT
from tools.olm import packages, sources
from tools.olm.__main__ import subscription
from tools.olm.check import judged
from tools.olm.service_version import INSTALL_MODES, service_version, words

IMAGE = "registry.example.com/operator@sha256:abc"


@pytest.fixture(scope="module")
def csv() -> dict[str, Any]:
    return service_version(IMAGE)


def test_every_example_is_a_sample_and_fits_the_definition(csv: dict[str, Any]) -> None:
    examples = json.loads(csv["metadata"]["annotations"]["alm-examples"])
    assert examples[0]["metadata"]["name"] == "test-router", "the simple one is offered first"
    assert len(examples) == len(list((CHECKOUT / "samples").glob("*.yaml")))
    schema = sources.definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for example in examples:
        jsonschema.validate(example, schema)


def test_each_field_that_an_example_sets_has_a_descriptor(csv: dict[str, Any]) -> None:
    (owned,) = csv["spec"]["customresourcedefinitions"]["owned"]
    described = {one["path"].partition(".")[0] for one in owned["specDescriptors"]}
    examples = json.loads(csv["metadata"]["annotations"]["alm-examples"])
    assert {field for example in examples for field in example["spec"]} <= described
    status = sources.definition_schema()["status"]["properties"]
    assert {one["path"] for one in owned["statusDescriptors"]} == set(status)
    for one in (*owned["specDescriptors"], *owned["statusDescriptors"]):
        assert one["description"], one["path"]


def test_it_names_each_kind_that_the_operator_makes(csv: dict[str, Any]) -> None:
    (owned,) = csv["spec"]["customresourcedefinitions"]["owned"]
    watches = yaml.safe_load((CHECKOUT / "watches.yaml").read_text(encoding="utf-8"))
    assert {one["kind"] for one in owned["resources"]} == {one["kind"] for one in watches[0]["owns"]}


def test_the_operator_has_the_rights_of_deploy_and_on_the_cluster_only_what_has_no_namespace(
    csv: dict[str, Any],
) -> None:
    spec = csv["spec"]["install"]["spec"]
    (within,), (on_cluster,) = spec["permissions"], spec["clusterPermissions"]
    assert {name for rule in on_cluster["rules"] for name in rule["resources"]} == sources.NAMESPACED_READS
    assert {verb for rule in on_cluster["rules"] for verb in rule["verbs"]} == {"get", "list", "watch"}
    directory = CHECKOUT / "deploy" / "rbac"
    deployed = [
        rule
        for path in directory.glob("*.yaml")
        for item in yaml.safe_load_all(path.read_text(encoding="utf-8"))
        for rule in item.get("rules", [])
    ]
    assert sorted(map(str, within["rules"] + on_cluster["rules"])) == sorted(map(str, deployed))


def test_the_pod_takes_its_user_from_the_namespace_and_its_namespaces_from_olm(csv: dict[str, Any]) -> None:
    (deployment,) = csv["spec"]["install"]["spec"]["deployments"]
    pod = deployment["spec"]["template"]["spec"]
    assert set(pod["securityContext"]) == {"runAsNonRoot", "seccompProfile"}
    (container,) = pod["containers"]
    assert container["image"] == IMAGE
    (watched,) = [entry for entry in container["env"] if entry["name"] == "WATCH_NAMESPACE"]
    assert watched["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.annotations['olm.targetNamespaces']"
    assert {mode["type"] for mode in csv["spec"]["installModes"] if mode["supported"]} == set(INSTALL_MODES)


def test_every_image_that_can_run_is_named_for_mirrors(csv: dict[str, Any]) -> None:
    related = {one["name"]: one["image"] for one in csv["spec"]["relatedImages"]}
    assert related["manager"] == csv["metadata"]["annotations"]["containerImage"] == IMAGE
    assert set(related) == {"manager", "semantic-router", "envoy"}


def test_the_labels_of_the_bundles_image_are_those_of_its_directory() -> None:
    text = (CHECKOUT / "bundle.Dockerfile").read_text(encoding="utf-8")
    assert dict(re.findall(r"(?:LABEL)? +((?:operators|com)\.\S+?)=(\S+)", text)) == packages.marks()


def test_the_subscription_names_package_channel_and_catalog() -> None:
    objects = {
        item["kind"]: item for item in yaml.safe_load_all(subscription("registry.example.com/catalog:1"))
    }
    wanted = objects["Subscription"]["spec"]
    assert (wanted["name"], wanted["channel"]) == (sources.about()["package"], sources.about()["channel"])
    assert wanted["source"] == objects["CatalogSource"]["metadata"]["name"]
    assert objects["CatalogSource"]["spec"]["image"] == "registry.example.com/catalog:1"


@pytest.mark.parametrize(
    ("path", "text"),
    [("replicas", "Replicas"), ("persistence.storageClassName", "Persistence Storage Class Name")],
)
def test_a_path_becomes_words(path: str, text: str) -> None:
    assert words(path) == text


def test_a_warning_that_is_not_explained_and_an_idle_explanation_are_wrong() -> None:
    warning = {"level": "warning", "object": "a", "field": "", "text": "no icon"}
    assert judged([warning], {}) == ["warning: a:  no icon"]
    assert judged([warning], {"no icon": "there is none"}) == []
    assert judged([{**warning, "level": "error"}], {"no icon": "there is none"}) == ["error: a:  no icon"]
    assert judged([], {"no icon": "there is none"}) == ["EXPLAINED has 'no icon', which nobody warns of"]

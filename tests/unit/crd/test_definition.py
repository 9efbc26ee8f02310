"""How the resource is named, shown and scaled."""

from tests.unit.crd.schemas import CRD, by_path, definition, version


def test_the_resource_is_found_under_its_names() -> None:
    spec = definition()["spec"]
    assert definition()["metadata"]["name"] == "semanticrouters.vllm.ai"
    assert spec["group"] == "vllm.ai"
    assert spec["scope"] == "Namespaced"
    assert spec["names"] == {
        "kind": "SemanticRouter",
        "listKind": "SemanticRouterList",
        "plural": "semanticrouters",
        "singular": "semanticrouter",
        "shortNames": ["sr"],
        "categories": ["all"],
    }


def test_a_list_shows_what_a_person_looks_for_first() -> None:
    columns = [(column["name"], column["jsonPath"]) for column in version()["additionalPrinterColumns"]]
    assert columns == [
        ("Replicas", ".status.replicas"),
        ("Ready", ".status.readyReplicas"),
        ("Phase", ".status.phase"),
        ("Mode", ".status.gatewayMode"),
        ("Age", ".metadata.creationTimestamp"),
    ]


def test_status_and_scale_are_subresources() -> None:
    assert version()["subresources"] == {
        "status": {},
        "scale": {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        },
    }


def test_the_scale_paths_lead_to_fields() -> None:
    for path in version()["subresources"]["scale"].values():
        assert path.removeprefix(".") in by_path()


def test_a_status_may_be_written_before_everything_is_known() -> None:
    """A required field of the status would refuse the first, partial report."""
    assert "required" not in by_path()["status"].schema


def test_the_file_says_that_it_is_generated_and_from_what() -> None:
    first = CRD.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("#")
    assert "crds/source" in first
    assert "make generate" in first

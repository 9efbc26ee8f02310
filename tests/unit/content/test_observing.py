"""Playbooks without the operator see what the operator would hand them."""

from collections.abc import Mapping, Sequence
from typing import Any

import jmespath
import pytest
import yaml
from ansible_collections.vllm.semantic_router.plugins.module_utils.observing import (
    Kind,
    UnreadableError,
    observe,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.written_cluster import (
    WrittenClusterError,
    read_cluster,
)

from tests.support.cluster import CHECKOUT
from tests.unit.content.routers import resource

ENTRY = yaml.safe_load((CHECKOUT / "watches.yaml").read_text(encoding="utf-8"))[0]
SECRETS = Kind("v1", "Secret")


def thing(kind: str, name: str, *, api_version: str = "v1", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    metadata = {"name": name, "namespace": "ml", "uid": f"{kind}-{name}", **more.pop("metadata", {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **more}


def look(*documents: object, **spec: Any) -> dict[str, Any]:  # noqa: ANN401 - as kubectl would have it
    return observe(ENTRY, resource(**spec), read_cluster(documents, "ml"), jmespath.search)


def endpoint(**backend: Any) -> dict[str, Any]:  # noqa: ANN401 - as kubectl would have it
    return {"name": "e", "model": "m", "backend": backend}


def names(found: Sequence[Mapping[str, Any]]) -> list[str]:
    return [one["metadata"]["name"] for one in found]


def test_a_service_that_is_named_is_found_and_cut_to_its_projection() -> None:
    wanted = endpoint(type="service", service={"name": "model", "port": 80})
    services = [thing("Service", name, spec={"ports": [], "secret": "x"}) for name in ("model", "other")]
    (found,) = look(*services, vllmEndpoints=[wanted])["references"]["services"]
    assert found["metadata"]["name"] == "model"
    assert "secret" not in found["spec"]


def test_services_are_found_by_their_labels_in_the_resources_namespace() -> None:
    wanted = endpoint(type="llamastack", discoveryLabels={"app": "llama"})
    labels = {"labels": {"app": "llama", "tier": "gpu"}}
    services = [
        thing("Service", "here", metadata=labels, spec={}),
        thing("Service", "there", metadata={**labels, "namespace": "other"}, spec={}),
        thing("Service", "bare", spec={}),
    ]
    assert names(look(*services, vllmEndpoints=[wanted])["references"]["labelled_services"]) == ["here"]


def test_of_a_secret_only_the_names_of_its_keys_are_seen() -> None:
    reference = {"name": "redis", "key": "password"}
    cache = {"backend_type": "redis", "redis": {"connection": {"password_secret_ref": reference}}}
    secret = thing("Secret", "redis", data={"password": "c2VjcmV0"})
    seen = look(secret, config={"semantic_cache": cache})
    assert seen["references"]["secrets"][0]["keys"] == ["password"]
    assert "c2VjcmV0" not in str(seen)


def test_of_a_secret_of_ours_only_its_metadata_is_seen() -> None:
    noted = {"kubectl.kubernetes.io/last-applied-configuration": "c2VjcmV0", "kept": "yes"}
    secret = thing("Secret", "r-credentials", metadata={"annotations": noted}, data={"password": "c2VjcmV0"})
    (found,) = look(secret)["owned"]["Secret"]
    assert "c2VjcmV0" not in str(found)
    assert found["metadata"]["annotations"] == {"kept": "yes"}


def test_what_is_owned_or_has_a_declared_name_is_seen() -> None:
    owner = {"ownerReferences": [{"uid": "u1"}]}
    objects = [
        thing("Service", "r"),
        thing("Service", "stranger"),
        thing("ConfigMap", "r-config-1", metadata=owner),
    ]
    owned = look(*objects)["owned"]
    assert names(owned["Service"]) == ["r"]
    assert names(owned["ConfigMap"]) == ["r-config-1"]


def test_whether_a_kind_is_served_has_three_answers() -> None:
    apis = look({"apis": {"route.openshift.io/v1/Route": "absent"}})["apis"]
    assert apis["route.openshift.io/v1/Route"] == "absent"
    assert apis["apps/v1/Deployment"] == "present"
    assert apis["gateway.networking.k8s.io/v1/HTTPRoute"] == "unknown"


def test_a_kind_that_cannot_be_read_is_an_error_with_its_reason() -> None:
    class Closed:
        def presence(self, _kind: Kind) -> str:
            return "present"

        def read(self, kind: Kind, _namespace: str, _name: str) -> None:
            raise UnreadableError("Forbidden" if kind == SECRETS else "Unavailable")

        def all(self, _kind: Kind, _namespace: str = "") -> list[Any]:
            raise UnreadableError("Unavailable")

    wanted = endpoint(type="service", service={"name": "model", "port": 80})
    seen = observe(ENTRY, resource(vllmEndpoints=[wanted]), Closed(), jmespath.search)
    assert seen["errors"]["services"] == [{"namespace": "ml", "name": "model", "reason": "Unavailable"}]
    assert seen["errors"]["storage_classes"] == [{"namespace": "", "name": "", "reason": "Unavailable"}]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("text", "neither an object nor"),
        ({"apis": {"a/v1/B": "maybe"}}, "neither present nor absent"),
        ({"other": 1}, "other keys than apis"),
        ({"kind": "Service", "metadata": {}}, "no metadata.name"),
    ],
)
def test_a_file_that_describes_no_cluster_is_refused(document: object, says: str) -> None:
    with pytest.raises(WrittenClusterError, match=says):
        read_cluster([document], "ml")


def test_a_list_of_kubectl_is_taken_apart() -> None:
    items = [thing("Service", "a"), thing("Service", "b")]
    cluster = read_cluster([{"apiVersion": "v1", "kind": "List", "items": items}], "ml")
    assert names(cluster.all(Kind("v1", "Service"))) == ["a", "b"]

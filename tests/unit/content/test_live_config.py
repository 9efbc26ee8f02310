"""Addresses of model servers are taken out of a configuration, read back from it, and laid into an older one."""

from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.backends import (
    Address,
    Backends,
    Endpoint,
    Model,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.cache import resolve_cache
from ansible_collections.vllm.semantic_router.plugins.module_utils.live_config import (
    models_of,
    relaid,
    with_addresses_of,
    without_addresses,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import from_yaml, to_yaml
from ansible_collections.vllm.semantic_router.plugins.module_utils.ports import ports_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import false
from ansible_collections.vllm.semantic_router.plugins.module_utils.router_config import render_config
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.content.routers import resource

LOST = false("ServiceNotFound", "endpoint a: Service ml/a does not exist")
NAMES = st.sampled_from(["llama", "qwen", "$HOME", "$$", "a.b-c", "y", "1"])
HOSTS = st.sampled_from(["vllm.ml.svc.cluster.local", "10.0.0.1", "fd00::1"])
ADDRESSES = st.builds(Address, host=HOSTS, port=st.integers(1, 65535), tls=st.booleans())


@st.composite
def models(draw: st.DrawFn) -> tuple[Model, ...]:
    """Draw models of different names, each with none to three endpoints."""
    found = []
    for name in draw(st.lists(NAMES, unique=True, max_size=4)):
        endpoints = tuple(
            Endpoint(name=f"{name}-{number}", model=name, address=address, weight=draw(st.integers(0, 100)))
            for number, address in enumerate(draw(st.lists(ADDRESSES, max_size=3)))
        )
        loras = tuple({"name": lora} for lora in draw(st.lists(NAMES, unique=True, max_size=2)))
        found.append(Model(name=name, reasoning_family="qwen3", loras=loras, endpoints=endpoints))
    return tuple(found)


def document(served: tuple[Model, ...]) -> dict[str, Any]:
    backends = Backends(models=served, condition=LOST)
    return render_config(resource(), backends, resolve_cache(resource(), {}), ports_of(resource()))


@given(models())
def test_models_are_read_back_from_the_file_as_they_were_written(served: tuple[Model, ...]) -> None:
    assert models_of(from_yaml(to_yaml(document(served)))) == served


@given(models(), models())
def test_what_a_pod_reads_at_its_start_never_changes_under_it(
    old: tuple[Model, ...], new: tuple[Model, ...]
) -> None:
    before = document(old)
    after = relaid(before, new)
    assert without_addresses(after) == without_addresses(before)
    assert [model.name for model in models_of(after)] == [model.name for model in old]


@given(models(), models())
def test_older_pods_get_the_addresses_of_today_and_keep_those_of_models_that_are_gone(
    old: tuple[Model, ...], new: tuple[Model, ...]
) -> None:
    today = {model.name: model.endpoints for model in new}
    for model, before in zip(models_of(relaid(document(old), new)), old, strict=True):
        assert model.endpoints == today.get(model.name, before.endpoints)


@given(models())
def test_addresses_that_have_not_changed_leave_the_text_as_it_is(served: tuple[Model, ...]) -> None:
    text = to_yaml(document(served))
    assert to_yaml(relaid(from_yaml(text), served)) == text


def test_the_addresses_that_were_found_last_stay_in_use_and_the_condition_says_so() -> None:
    address = Address(host="vllm.ml.svc", port=8000)
    served = Model(name="llama", endpoints=(Endpoint(name="e", model="llama", address=address),))
    lost = Backends(models=(Model(name="llama"), Model(name="new")), condition=LOST)
    kept = with_addresses_of(lost, (served,))
    assert [len(model.endpoints) for model in kept.models] == [1, 0]
    assert (kept.condition.status, kept.condition.reason) == ("False", "ServiceNotFound")
    assert kept.condition.message.endswith("the addresses that were found last stay in use")
    assert with_addresses_of(lost, ()) is lost

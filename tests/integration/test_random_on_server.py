"""The walk and random resources on a real API server: it takes the resources and what is made of them."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given

from tests.support.api import APPLY, Api, ApiError, Space
from tests.support.examples import few
from tests.support.resources import specs
from tools.fields.runs import FIELD_MANAGER, Object, Run, run
from tools.fields.surroundings import NAME, NAMESPACE, resource_of, surroundings
from tools.fields.values import with_defaults
from tools.fields.walk import Step, spec_schema, walk

NEVER = ("resources.claims", "envoy.resources.claims", "windowsOptions.hostProcess")
"""Fields of Kubernetes' own types that ask for a pod of another kind; the API server says so."""


@pytest.fixture(scope="module")
def place(api: Api) -> Iterator[Space]:
    """The namespace that imagined resources are in."""
    space = Space(api, NAMESPACE)
    space.create({"kind": "Namespace", "metadata": {"name": NAMESPACE}})
    yield space
    space.delete("Namespace", NAMESPACE)


NOT_SERVED = "gateway.envoyproxy.io/"
"""Kinds that the control plane has only in the test that installs them (test_modes)."""


def refused(space: Space, item: Mapping[str, Any]) -> str:
    """Return why the API server would not take a manifest by server-side apply, strictly; empty when it would."""
    manifest = {**item, "metadata": {key: value for key, value in item["metadata"].items() if key != "uid"}}
    path = space.path(item["kind"], item["metadata"]["name"])
    query = {"fieldManager": FIELD_MANAGER, "force": "true", "dryRun": "All", "fieldValidation": "Strict"}
    try:
        space.api.request("PATCH", path, body=manifest, kind=APPLY, **query)
    except ApiError as error:
        return f"{item['kind']}: {error}"
    return ""


def not_created(space: Space, spec: Mapping[str, Any]) -> str:
    """Return why the API server would not create a resource; empty when it would."""
    body = {
        "apiVersion": "vllm.ai/v1alpha1",
        "kind": "SemanticRouter",
        "metadata": {"name": NAME},
        "spec": spec,
    }
    try:
        space.api.request(
            "POST", space.path("SemanticRouter"), body=body, dryRun="All", fieldValidation="Strict"
        )
    except ApiError as error:
        return str(error)
    return ""


def changed(one: Run, other: Run) -> list[Object]:
    """Return the manifests of ``other`` that ``one`` has not."""
    return [item for item in other.applied if item not in one.applied]


def test_the_api_server_takes_every_field_and_what_is_made_of_it(place: Space) -> None:
    problems = [problem for step in walk() for problem in _problems(place, step)]
    assert not problems, "\n".join(problems)


def _problems(place: Space, step: Step) -> Iterator[str]:
    path = step.leaf.path
    if words := not_created(place, step.after):
        yield f"{path}: {words}"
        return
    for item in changed(*step.runs):
        if item["apiVersion"].startswith(NOT_SERVED):
            continue
        words = refused(place, item)
        if words and not any(name in path for name in NEVER):
            yield f"{path}: {words}"


@few(25)
@given(spec=specs())
def test_the_api_server_takes_a_random_resource_and_what_is_made_of_it(
    place: Space, spec: dict[str, Any]
) -> None:
    assert not_created(place, spec) == ""
    resource = resource_of(with_defaults(spec, spec_schema()))
    applied = run(resource, surroundings(resource)).applied
    assert [words for item in applied if (words := refused(place, item))] == []

"""Resources that an older, laxer definition let in and today's would refuse: they are told of, and can be deleted."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import Starter
from tests.support.api import ApiError, Space
from tests.support.cluster import CHECKOUT, DevCluster
from tests.support.operators import conditions
from tests.support.routers import Router
from tests.support.waiting import wait_for

DEFINITION = CHECKOUT / "crds" / "vllm.ai_semanticrouters.yaml"
BOUNDS = {"maximum", "minimum", "maxLength", "minLength", "maxItems", "minItems", "pattern", "enum"}
RULES = "x-kubernetes-validations"
TOLD_SECONDS = 180.0
CASES = Path(__file__).with_name("testdata") / "crd"


def lax(schema: Any) -> Any:  # noqa: ANN401 - a schema
    """Return a schema without what refuses values of the right type."""
    if isinstance(schema, list):
        return [lax(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    is_schema = isinstance(schema.get("type"), str) or RULES in schema
    dropped = {*BOUNDS, RULES} if is_schema else set()
    return {name: lax(value) for name, value in schema.items() if name not in dropped}


def older() -> dict[str, Any]:
    """Return the definition as it might have been before there were rules and bounds."""
    definition: dict[str, Any] = yaml.safe_load(DEFINITION.read_text(encoding="utf-8"))
    for version in definition["spec"]["versions"]:
        specification = version["schema"]["openAPIV3Schema"]["properties"]
        specification["spec"] = lax(copy.deepcopy(specification["spec"]))
    return definition


def refused() -> list[dict[str, Any]]:
    """Return a specification for each rule of today's definition that it breaks, and one that is out of bounds."""
    rules = yaml.safe_load((CASES / "rules.yaml").read_text(encoding="utf-8"))
    return [*(rule["refused"][0] for rule in rules), {"service": {"type": "Nonsense"}}]


@pytest.fixture
def stored(space: Space, control_plane: DevCluster) -> list[Router]:
    """What is stored from then, under today's definition."""
    control_plane.apply(older(), arguments=("--server-side", "--force-conflicts"))
    control_plane.wait_established("semanticrouters.vllm.ai")
    routers = [_when_taken(space, spec, f"old-{index}") for index, spec in enumerate(refused())]
    control_plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(DEFINITION))
    for spec in refused():
        wait_for(lambda s=spec: _is_refused(space, s), timeout=30, what=f"today refuses {spec}")  # type: ignore[misc]
    return routers


def _when_taken(space: Space, spec: dict[str, Any], name: str) -> Router:
    """Create a resource as soon as the API server goes by the laxer definition."""

    def made() -> Router:
        try:
            return Router.create(space, spec, name=name)
        except ApiError as error:
            raise AssertionError(str(error)) from error

    return wait_for(made, timeout=30, what=f"{spec} is stored")


def _is_refused(space: Space, spec: dict[str, Any]) -> bool:
    body = {
        "apiVersion": "vllm.ai/v1alpha1",
        "kind": "SemanticRouter",
        "metadata": {"name": "new"},
        "spec": spec,
    }
    try:
        space.api.request("POST", space.path("SemanticRouter"), body=body, dryRun="All")
    except ApiError as error:
        return error.code == 422
    return False


@pytest.mark.timeout(900)
def test_what_todays_rules_would_refuse_is_told_of_and_can_be_deleted(
    stored: list[Router], start_operator: Starter
) -> None:
    operator = start_operator()
    for router in stored:
        wait_for(lambda r=router: _is_told(r), timeout=TOLD_SECONDS, what=f"{router.name} is told of")  # type: ignore[misc]
    for router in stored:
        router.delete()
    for router in stored:
        gone = lambda r=router: r.space.get("SemanticRouter", r.name) is None  # noqa: E731
        wait_for(gone, timeout=TOLD_SECONDS, what=f"{router.name} goes")
    assert "Traceback" not in operator.log


def _is_told(router: Router) -> bool:
    resource = router.read()
    found = conditions(resource)
    assert "Reconciled" in found, f"{resource['spec']}: {found}"
    told = found["Reconciled"]
    assert told["status"] in {"True", "False"}, f"{resource['spec']}: {told}"
    assert told["observedGeneration"] == resource["metadata"]["generation"], told
    return True

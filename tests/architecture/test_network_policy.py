"""The sample of a NetworkPolicy fits the Deployment: its pods, its ports, and nothing else."""

from typing import Any

import yaml

from tests.architecture.sources import CHECKOUT

DEPLOY = CHECKOUT / "deploy"
SERVED_BY_KUBERNETES = {443, 6443}
"""Ports of API servers; which one, the cluster decides."""

DNS = {53}


def load(*parts: str) -> Any:  # noqa: ANN401 - YAML
    return yaml.safe_load(DEPLOY.joinpath(*parts).read_text(encoding="utf-8"))


POLICY, MANAGER = load("network", "operator.yaml"), load("base", "manager.yaml")
PORTS = {
    port["name"]: port["containerPort"]
    for container in MANAGER["spec"]["template"]["spec"]["containers"]
    for port in container["ports"]
}


def allowed(direction: str) -> dict[int, bool]:
    """Return the ports that rules of a direction allow, and whether each is for some peers only."""
    who = {"ingress": "from", "egress": "to"}[direction]
    return {port["port"]: bool(rule.get(who)) for rule in POLICY["spec"][direction] for port in rule["ports"]}


def test_it_is_for_the_operators_pods() -> None:
    labels = MANAGER["spec"]["template"]["metadata"]["labels"]
    assert POLICY["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    assert POLICY["metadata"]["namespace"] == MANAGER["metadata"]["namespace"]
    assert set(POLICY["spec"]["policyTypes"]) == {"Ingress", "Egress"}


def test_it_lets_in_probes_from_everywhere_and_metrics_from_their_readers() -> None:
    assert allowed("ingress") == {PORTS["probes"]: False, PORTS["metrics"]: True}


def test_it_lets_out_to_the_api_server_and_to_dns() -> None:
    assert allowed("egress") == dict.fromkeys(SERVED_BY_KUBERNETES, False) | dict.fromkeys(DNS, True)


def test_the_ports_are_those_of_the_settings() -> None:
    text = (CHECKOUT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    for flag, port in (
        ("--health-probe-bind-address", PORTS["probes"]),
        ("--metrics-bind-address", PORTS["metrics"]),
    ):
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{flag}`")]
        assert f"`0.0.0.0:{port}`" in row

"""The whole operator with credentials of a plugin: it watches, writes and runs with them, and with the next ones."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.conftest import Starter
from tests.support.api import Space
from tests.support.cluster import DevCluster
from tests.support.operators import OperatorUnderTest
from tests.support.toys import DIRECTORY, Toy
from tests.support.waiting import wait_for
from tools.demo.credentials import ACCOUNT, NAMESPACE

pytestmark = pytest.mark.usefixtures("toy_kind")

VERSION = "client.authentication.k8s.io/v1"


class Vault:
    """Where the plugin finds tokens; each is bound to a Secret, and void when that goes."""

    def __init__(self, cluster: DevCluster, directory: Path) -> None:
        """Give nothing yet."""
        self._cluster = cluster
        self._tokens: dict[str, str] = {}
        self._directory = directory
        self._answer = directory / "credential.json"
        self.plugin = directory / "plugin"
        self.plugin.write_text(f"#!/bin/sh\nexec cat {self._answer}\n", encoding="utf-8")
        self.plugin.chmod(0o700)

    def give(self, name: str) -> None:
        """Give a new token, bound to a Secret of that name."""
        kubectl = self._cluster.kubectl
        kubectl("create", "secret", "generic", name, "-n", NAMESPACE)
        bound = ("--bound-object-kind", "Secret", "--bound-object-name", name)
        token = kubectl("create", "token", ACCOUNT, "-n", NAMESPACE, *bound).stdout.strip()
        self._tokens[name] = token
        credential = {"apiVersion": VERSION, "kind": "ExecCredential", "status": {"token": token}}
        self._answer.write_text(json.dumps(credential), encoding="utf-8")

    def void(self, name: str) -> None:
        """Let the token of that name prove nothing, which the API server sees after some seconds."""
        self._cluster.kubectl("delete", "secret", name, "-n", NAMESPACE)
        wait_for(lambda: not self._proves(name), timeout=60, what=f"{name} proves nothing any more")

    def _proves(self, name: str) -> bool:
        review = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": self._tokens[name]},
        }
        path = self._directory / "review.json"
        path.write_text(json.dumps(review), encoding="utf-8")
        reviewed = json.loads(self._cluster.kubectl("create", "-f", str(path), "-o", "json").stdout)
        return bool(reviewed["status"].get("authenticated"))

    def lead(self, kubeconfig: Path) -> None:
        """Have a kubeconfig ask the plugin."""
        config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        spec = {"apiVersion": VERSION, "command": str(self.plugin), "interactiveMode": "Never"}
        config["users"][0]["user"] = {"exec": spec}
        kubeconfig.write_text(yaml.safe_dump(config), encoding="utf-8")


@pytest.fixture
def vault(control_plane: DevCluster, tmp_path: Path) -> Iterator[Vault]:
    one = Vault(control_plane, tmp_path)
    one.give("first-token")
    yield one
    control_plane.kubectl(
        "delete", "secret", "first-token", "second-token", "-n", NAMESPACE, "--ignore-not-found"
    )


def test_a_plugin_is_asked_again_when_its_token_proves_nothing_any_more(
    vault: Vault, start_operator: Starter, space: Space
) -> None:
    operator: OperatorUnderTest = start_operator(watches=DIRECTORY / "watches.yaml", route=vault.lead)
    Toy.create(space).wait_made()
    vault.give("second-token")
    vault.void("first-token")
    toy = Toy(space)
    toy.edit(title="after the first token")
    toy.wait_data(title="after the first token")
    other = Toy.create(space, name="other")
    other.wait_made()
    assert "Unauthorized" not in operator.log
    assert "Traceback" not in operator.log

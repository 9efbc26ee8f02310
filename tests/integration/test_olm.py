"""What is for the Operator Lifecycle Manager fits its own definitions, and its bundle this API server.

The definitions are those of the module whose validators ``make bundle-check`` runs. Nothing here runs OLM itself.
"""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.cluster import CHECKOUT, DevCluster
from tools.demo.credentials import NAMESPACE
from tools.olm import sources
from tools.olm.check import output

MODULE = "github.com/operator-framework/api"
KINDS = ("catalogsources", "clusterserviceversions", "operatorgroups", "subscriptions")
CATALOG = "registry.example.com/catalog:1"


@pytest.fixture(scope="module")
def with_olm(control_plane: DevCluster) -> DevCluster:
    """The control plane with OLM's definitions."""
    directory = CHECKOUT / "tools" / "olm" / "verify"
    output(["go", "mod", "download", MODULE], directory)
    crds = Path(output(["go", "list", "-m", "-f", "{{.Dir}}", MODULE], directory).strip()) / "crds"
    for kind in KINDS:
        control_plane.kubectl("apply", "--server-side", "-f", str(crds / f"operators.coreos.com_{kind}.yaml"))
        control_plane.wait_established(f"{kind}.operators.coreos.com")
    return control_plane


def test_openshift_deploy_subscribes_to_the_catalog_that_was_asked_for(with_olm: DevCluster) -> None:
    environment = {**os.environ, "KUBECTL": " ".join(with_olm.kubectl_command)}
    environment["KUBECONFIG"] = str(with_olm.kubeconfig)
    command = ["make", "-o", "env", "openshift-deploy", f"CATALOG_IMG={CATALOG}"]
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    catalog = with_olm.get("catalogsource", "semantic-router", "-n", NAMESPACE)
    assert catalog["spec"]["image"] == CATALOG
    subscription = with_olm.get(
        "subscription.operators.coreos.com", sources.about()["package"], "-n", NAMESPACE
    )
    assert subscription["spec"]["source"] == catalog["metadata"]["name"]
    assert subscription["spec"]["channel"] == sources.about()["channel"]


def test_every_object_of_the_bundle_is_taken_without_a_warning(with_olm: DevCluster) -> None:
    manifests = sorted((CHECKOUT / "bundle" / "manifests").glob("*.yaml"))
    assert len(manifests) == 6
    for path in manifests:
        text = path.read_text(encoding="utf-8").replace("namespace: placeholder", f"namespace: {NAMESPACE}")
        flags = ("--server-side", "--force-conflicts", "--validate=strict", "--dry-run=server")
        done = with_olm.kubectl("apply", *flags, "-n", NAMESPACE, "-f", "-", stdin=text)
        assert "Warning" not in done.stderr, path.name

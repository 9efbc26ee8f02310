"""The playbooks for people without the operator: provision, edit, diff, hand over, tear down, render."""

import base64
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.api import Space
from tests.support.cluster import CHECKOUT, DevCluster, running
from tests.support.routers import CHILD_KINDS, Router, endpoint, redis_cache, service
from tests.support.waiting import wait_for
from tools.demo.credentials import NAMESPACE

PASSWORD = "top-secret-of-the-pipeline"  # noqa: S105 - looked for where it must not be
SPEC: dict[str, Any] = {
    "replicas": 2,
    "vllmEndpoints": [endpoint()],
    "config": redis_cache(host="redis", password_secret_ref={"name": "redis", "key": "password"}),
}


def play(
    name: str, cluster: DevCluster | None = None, *options: str, fails: bool = False, **variables: object
) -> str:
    """Run a playbook as a person would; return what it printed."""
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1"}
    environment.pop("KUBECONFIG", None)
    if cluster:
        environment["K8S_AUTH_KUBECONFIG"] = str(cluster.kubeconfig)
    done = subprocess.run(
        ["ansible-playbook", f"playbooks/{name}.yml", "-e", json.dumps(variables), *options],
        capture_output=True, text=True, check=False, cwd=CHECKOUT, env=environment, timeout=240,
    )  # fmt: skip
    assert (done.returncode != 0) is fails, done.stdout + done.stderr
    for form in (PASSWORD, base64.b64encode(PASSWORD.encode()).decode()):
        assert form not in done.stdout + done.stderr
    return done.stdout


def changed(output: str) -> int:
    found = re.search(r"changed=(\d+)", output)
    assert found, output
    return int(found[1])


def manifest(space: Space, path: Path, *companions: Any, **spec: Any) -> str:  # noqa: ANN401
    """Write a file with a SemanticRouter and what comes with it."""
    router = {
        "apiVersion": "vllm.ai/v1alpha1",
        "kind": "SemanticRouter",
        "metadata": {"name": "router", "namespace": space.name},
        "spec": {**SPEC, **spec},
    }
    path.write_text(yaml.safe_dump_all([*companions, router]), encoding="utf-8")
    return str(path)


def secret(space: Space) -> dict[str, Any]:
    metadata = {"name": "redis", "namespace": space.name}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"password": PASSWORD}}


def model(space: Space) -> dict[str, Any]:
    one = service()
    return {"apiVersion": "v1", **one, "metadata": {**one["metadata"], "namespace": space.name}}


def test_a_router_is_provisioned_edited_handed_over_and_goes(
    space: Space, control_plane: DevCluster, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The whole life: the operator comes last, takes everything over, and nothing rolls."""
    given: dict[str, Any] = {"files": manifest(space, tmp_path / "router.yaml", secret(space), model(space))}
    made_at_first = play("provision", control_plane, **given)
    assert changed(made_at_first) > 0
    assert f"{space.name}/router: 2 of 2 pods available, 2 new" in made_at_first, "how far it is, is told"
    assert changed(play("provision", control_plane, **given)) == 0

    manifest(space, tmp_path / "router.yaml", replicas=3)
    shown = play("diff", control_plane, **given)
    assert '-        "replicas": 2' in shown
    assert '+        "replicas": 3' in shown
    assert "replicas: 3" not in str(space.get("Deployment", "router"))
    assert changed(play("provision", control_plane, "--check", **given)) == 1
    assert changed(play("provision", control_plane, **given)) == 1
    assert changed(play("provision", control_plane, **given)) == 0

    before = content(space)
    request.getfixturevalue("operator")
    control_plane.kubectl("apply", "-f", str(tmp_path / "router.yaml"))
    router = Router(space)
    router.wait_available()
    wait_for(lambda: owners(space) == {router.uid}, timeout=60, what="the operator takes over")
    assert content(space) == before, "nothing but owner references is added"
    assert len(space.list("ReplicaSet")) == 1, "nothing has rolled"

    assert "where an operator makes its objects" in play("provision", control_plane, fails=True, **given)
    play("teardown", control_plane, **given)
    assert made(space) == []


def made(space: Space) -> list[Any]:
    kinds = (*CHILD_KINDS, "PodDisruptionBudget")
    found = [{"kind": kind, **one} for kind in kinds for one in space.list(kind)]
    return [
        one
        for one in found
        if one["metadata"].get("labels", {}).get("app.kubernetes.io/instance") == "router"
    ]


def content(space: Space) -> dict[tuple[str, str], Any]:
    """Return what each object holds, without what the API server counts and who owns it.

    The annotation that gives an object away goes when it has been taken.
    """
    found = {}
    for one in made(space):
        metadata = one["metadata"]
        annotations = metadata.get("annotations", {})
        found[one["kind"], metadata["name"]] = {
            **{name: value for name, value in one.items() if name not in ("metadata", "status")},
            "uid": metadata["uid"],
            "labels": metadata["labels"],
            "annotations": {name: text for name, text in annotations.items() if name != "vllm.ai/adopt-by"},
        }
    return found


def owners(space: Space) -> set[str]:
    return {
        owner["uid"]
        for one in made(space)
        for owner in one["metadata"].get("ownerReferences") or [{"uid": "none"}]
    }


def test_what_was_provisioned_is_torn_down_without_an_operator(
    space: Space, control_plane: DevCluster, tmp_path: Path
) -> None:
    keeping = {"retentionPolicy": "Retain"}
    given: dict[str, Any] = {
        "files": manifest(space, tmp_path / "r.yaml", secret(space), model(space), persistence=keeping)
    }
    play("provision", control_plane, wait=False, **given)
    space.create({"kind": "ConfigMap", "metadata": {"name": "stranger"}})
    assert changed(play("teardown", control_plane, **given)) > 0
    assert [one["kind"] for one in made(space)] == ["PersistentVolumeClaim"]
    assert space.get("ConfigMap", "stranger")
    assert changed(play("teardown", control_plane, **given)) == 0


def test_waiting_ends_with_how_far_it_came_and_where_to_look(
    space: Space, control_plane: DevCluster, tmp_path: Path
) -> None:
    nowhere = manifest(space, tmp_path / "r.yaml", secret(space), model(space), nodeSelector={"disk": "none"})
    said = play("provision", control_plane, fails=True, files=nowhere, wait_seconds=1)
    assert f"{space.name}/router: 0 of 2 pods available, 2 new" in said
    assert f"kubectl --namespace {space.name} describe deployment,pods" in said
    assert space.get("Deployment", "router"), "it may still come"


def test_a_password_is_not_shown_however_much_is(
    space: Space, control_plane: DevCluster, tmp_path: Path
) -> None:
    """With all of Ansible's words: ``play`` looks for it, as it stands in the file and as a Secret holds it."""
    plain = {"config": redis_cache(host="redis", password=PASSWORD)}
    given: dict[str, Any] = {
        "files": manifest(space, tmp_path / "r.yaml", secret(space), model(space), **plain)
    }
    shown = play("provision", control_plane, "-vvv", "--diff", wait=False, **given)
    assert "invocation" in shown, "arguments of modules are among them"
    assert space.get("Secret", "router-credentials"), "it is where it belongs"
    assert changed(play("provision", control_plane, wait=False, **given)) == 0
    manifest(space, tmp_path / "r.yaml", secret(space), model(space), replicas=3, **plain)
    assert "replicas" in play("diff", control_plane, "-vvv", **given)
    play("teardown", control_plane, "-vvv", **given)
    cluster = str(CHECKOUT / "samples" / "observed" / "kubernetes.yaml")
    manifest(space, tmp_path / "r.yaml", **{**plain, "vllmEndpoints": []})
    play("render", None, "-vvv", "--diff", observed_file=cluster, output=str(tmp_path / "out"), **given)
    (written,) = (tmp_path / "out").rglob("secret-router-credentials.yaml")
    assert written.stat().st_mode & 0o077 == 0, "only its owner reads it"


def test_a_missing_secret_is_named_and_nothing_is_made(
    space: Space, control_plane: DevCluster, tmp_path: Path
) -> None:
    given: dict[str, Any] = {"files": manifest(space, tmp_path / "router.yaml", model(space))}
    said = play("provision", control_plane, fails=True, **given)
    assert f"Secret {space.name}/redis does not exist" in said
    assert made(space) == []


def test_what_is_rendered_is_what_is_provisioned(
    space: Space, control_plane: DevCluster, tmp_path: Path
) -> None:
    """A cluster that is described by a file gives the same objects as the cluster itself."""
    given: dict[str, Any] = {"files": manifest(space, tmp_path / "router.yaml", secret(space), model(space))}
    play("provision", control_plane, wait=False, **given)
    described = [
        *yaml.safe_load_all(
            (CHECKOUT / "samples" / "observed" / "kubernetes.yaml").read_text(encoding="utf-8")
        ),
        *control_plane.get("-n", space.name, "secret/redis", "service/model")["items"],
    ]
    (tmp_path / "cluster.yaml").write_text(yaml.safe_dump_all(described), encoding="utf-8")
    options: dict[str, Any] = {
        **given,
        "observed_file": str(tmp_path / "cluster.yaml"),
        "output": str(tmp_path / "out"),
    }
    play("render", **options)
    assert len(list((tmp_path / "out").rglob("*.yaml"))) == len(made(space))
    compare = (
        "diff",
        "--server-side",
        "--field-manager=semantic-router-operator",
        "-R",
        "-f",
        str(tmp_path / "out"),
    )
    compared = control_plane.kubectl(*compare, check=False)
    assert (compared.returncode, compared.stdout) == (0, "")
    assert changed(play("render", **options)) == 0
    check_commands(control_plane, given["files"], tmp_path)
    manifest(space, tmp_path / "router.yaml", persistence={"enabled": False})
    assert changed(play("render", **options)) > 0
    assert not list((tmp_path / "out").rglob("persistentvolumeclaim-*.yaml")), "its file goes"


def check_commands(cluster: DevCluster, file: str, directory: Path) -> None:
    """The commands of the program give what the playbooks give: the same manifests, and no difference."""
    shown = command("render", "-f", file, "--observed", str(directory / "cluster.yaml"))
    files = sorted((directory / "out").rglob("*.yaml"))
    assert list(yaml.safe_load_all(shown)) == [yaml.safe_load(one.read_text("utf-8")) for one in files]
    assert changed(command("diff", "-f", file, "--kubeconfig", str(cluster.kubeconfig))) == 0


def command(*words: str) -> str:
    """Run a command of the program from the checkout; return what it printed on standard output."""
    environment = {name: value for name, value in os.environ.items() if name != "KUBECONFIG"}
    done = subprocess.run(
        ["semantic-router-operator", *words],
        capture_output=True, text=True, check=False, cwd=CHECKOUT, env=environment, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_fact_that_only_a_cluster_knows_is_an_error_when_it_is_missing(
    space: Space, tmp_path: Path
) -> None:
    given: dict[str, Any] = {
        "files": manifest(space, tmp_path / "router.yaml"),
        "output": str(tmp_path / "out"),
    }
    cluster = str(CHECKOUT / "samples" / "observed" / "kubernetes.yaml")
    said = play("render", fails=True, observed_file=cluster, **given)
    assert f"Service {space.name}/model does not exist" in said
    assert not (tmp_path / "out").exists()


def test_several_clusters_are_provisioned_at_once_and_one_gets_the_operator(
    space: Space, control_plane: DevCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One run for two clusters as inventory hosts, of which the second has nothing of ours yet."""
    (tmp_path / "kubectl").write_text(f'#!/bin/sh\nexec {" ".join(control_plane.kubectl_command)} "$@"\n')
    (tmp_path / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space.name}}
    companions = (namespace, secret(space), model(space))
    given: dict[str, Any] = {"files": manifest(space, tmp_path / "router.yaml", *companions), "wait": False}
    with running(crds=()) as other:
        hosts = {
            "east": {"kubeconfig": str(control_plane.kubeconfig)},
            "west": {"kubeconfig": str(other.kubeconfig)},
        }
        (tmp_path / "hosts.yaml").write_text(json.dumps({"all": {"hosts": hosts}}))
        inventory = ("-i", str(tmp_path / "hosts.yaml"))
        told = play("provision", None, *inventory, clusters="all", install_crd=True, **given)
        assert re.search(r"^east .*failed=0", told, re.MULTILINE)
        assert re.search(r"^west .*failed=0", told, re.MULTILINE)
        assert {one["kind"] for one in made(space)} >= {"Deployment", "Service"}
        assert other.get("-n", space.name, "deployment/router")["spec"]["replicas"] == 2
        other.wait_established("semanticrouters.vllm.ai")
        assert other.get("-n", space.name, "semanticrouters")["items"] == []

        play("provision", None, *inventory, clusters="west", install_operator=True, **given)
        operator = other.get("-n", NAMESPACE, "deployment/semantic-router-operator")
        assert operator["spec"]["template"]["spec"]["serviceAccountName"] == "semantic-router-operator"
        assert other.get("-n", space.name, "semanticrouter/router")["spec"]["replicas"] == 2

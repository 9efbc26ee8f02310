"""The image: what is in it, and that the operator works from it under the user, the root and the rights of a pod."""

import base64
import importlib.metadata
import json
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from tests.support import containers
from tests.support.api import Space
from tests.support.cluster import CHECKOUT, DevCluster
from tests.support.containers import Container, Image, Running
from tests.support.routers import Router, endpoint, service
from tests.support.waiting import wait_for
from tools.demo.actors import Operator, free_port
from tools.demo.credentials import ACCOUNT, NAMESPACE
from tools.demo.processes import OperatorProcess

pytestmark = [pytest.mark.image, pytest.mark.timeout(1800)]

OPERATOR, ENGINE = "localhost/semantic-router-operator:test", "localhost/playbook-engine:test"
DROP_IN, THEIR_USER = "localhost/playbook-engine-drop-in:test", 1001
ARBITRARY_USER = 1000770000
"""As OpenShift gives them: in no user database."""
LARGEST_BYTES = 180_000_000
"""What the operator may add to the image with Python."""
SECRETS = "/var/run/secrets/kubernetes.io/serviceaccount"


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    containers.build(OPERATOR, "operator")
    with containers.mounted(OPERATOR) as image:
        yield image


def test_it_says_what_it_is_and_runs_as_nobody(image: Image) -> None:
    labels = image.config["Labels"]
    assert labels["org.opencontainers.image.title"] == "Semantic Router Operator"
    assert labels["org.opencontainers.image.version"] != "0.0.0", "the version of the engine"
    assert len(labels["org.opencontainers.image.revision"]) == 40
    assert image.config["User"] == "65532:0"
    assert image.config["Entrypoint"][0] == "/usr/bin/tini"


def test_nothing_that_builds_and_nothing_that_was_downloaded_is_left(image: Image) -> None:
    names = {path.name for path in image.files("opt")} | {path.name for path in image.files("usr/bin")}
    assert not names & {"gcc", "cc", "make", "pip", "pip3", "ansible-test"}
    assert not [name for name in names if name.endswith((".whl", ".c", ".pyx"))]
    assert not list(image.files("root/.cache"))
    assert not list(image.files("build")) and not list(image.files("wheels"))  # noqa: PT018 - one fact


def test_of_the_collections_only_kubernetes_core_is_in_it_with_its_licence(image: Image) -> None:
    (collections,) = image.root.glob("opt/operator/lib/python3*/site-packages/ansible_collections")
    assert [str(path.relative_to(collections)) for path in collections.glob("*/*")] == ["kubernetes/core"]
    assert "GNU GENERAL PUBLIC LICENSE" in (collections / "kubernetes/core/LICENSE").read_text("utf-8")
    assert (image.root / "opt/operator/licenses/LICENSE").read_text("utf-8") == (
        CHECKOUT / "LICENSE"
    ).read_text()
    assert (image.root / "usr/share/doc/tini/copyright").is_file()


def test_its_list_of_packages_equals_what_is_installed(image: Image) -> None:
    """Of the package ``ansible``, which is listed too, only a collection is installed."""
    listed = json.loads((image.root / "opt/operator/sbom.cdx.json").read_text("utf-8"))["components"]
    (packages,) = image.root.glob("opt/operator/lib/python3*/site-packages")
    installed = {
        (re.sub(r"[-_.]+", "-", found.name).lower(), found.version)
        for found in importlib.metadata.distributions(path=[str(packages)])
    }
    told = {(one["name"], one["version"]) for one in listed if one["name"] != "ansible"}
    assert told == {(name, version) for name, version in installed if name != "semantic-router-operator"}
    assert len(told) == len(listed) - 1


def test_everybody_may_read_what_it_has_and_nobody_may_write_it(image: Image) -> None:
    for path in (*image.files("opt"), image.root / "usr/bin/tini"):
        mode = path.lstat().st_mode
        if not stat.S_ISLNK(mode):
            assert mode & stat.S_IROTH, path
            assert not mode & (stat.S_IWGRP | stat.S_IWOTH | stat.S_ISUID), path


def test_it_is_small(image: Image) -> None:
    size = sum(path.lstat().st_size for path in image.files("opt"))
    print(f"the operator adds {size / 1e6:.0f} MB to the image with Python")  # noqa: T201 - what one wants to know
    assert size < LARGEST_BYTES


@pytest.fixture(scope="module")
def account(control_plane: DevCluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory that a kubelet mounts: token, certificate and namespace of the operator's account."""
    directory = tmp_path_factory.mktemp("account")
    token = control_plane.kubectl("create", "token", ACCOUNT, "-n", NAMESPACE).stdout.strip()
    view = yaml.safe_load(control_plane.kubeconfig.read_text(encoding="utf-8"))
    authority = base64.b64decode(view["clusters"][0]["cluster"]["certificate-authority-data"])
    for name, text in {"token": token, "ca.crt": authority.decode(), "namespace": NAMESPACE}.items():
        (directory / name).write_text(text, encoding="utf-8")
    for path in (directory, directory.parent, *directory.iterdir()):
        path.chmod(0o755)
    return directory


@dataclass(frozen=True, slots=True)
class Deployed:
    container: Running
    probes: str

    def ready(self) -> bool:
        running = OperatorProcess(self.container.process, self.container.log)
        return Operator(process=running, probes=self.probes).ready()[0]

    def processes(self) -> list[tuple[str, str, str]]:
        """Name, state and parent of each process of the container."""
        script = (
            "import glob\n"
            "for path in glob.glob('/proc/[0-9]*/stat'):\n"
            "    text = open(path).read(); name = text[text.index('(') + 1:text.rindex(')')]\n"
            "    print(name, *text[text.rindex(')') + 2:].split()[:2])\n"
        )
        told = self.container.execute("python", "-c", script).splitlines()
        return [(name, state, parent) for name, state, parent in (line.rsplit(" ", 2) for line in told)]


@pytest.fixture(scope="module")
def deployed(
    image: Image, account: Path, control_plane: DevCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    """The container of ``deploy/base`` from the image, in a pod of an account; only its ports are other ones."""
    text = (CHECKOUT / "deploy" / "base" / "manager.yaml").read_text(encoding="utf-8")
    (container,) = yaml.safe_load(text)["spec"]["template"]["spec"]["containers"]
    view = yaml.safe_load(control_plane.kubeconfig.read_text(encoding="utf-8"))
    server = urlsplit(view["clusters"][0]["cluster"]["server"])
    environment = {entry["name"]: entry["value"] for entry in container["env"]}
    environment |= {
        "KUBERNETES_SERVICE_HOST": str(server.hostname),
        "KUBERNETES_SERVICE_PORT": str(server.port),
    }
    address = f"127.0.0.1:{free_port()}"
    addresses = [f"--health-probe-bind-address={address}", f"--metrics-bind-address={address}"]
    settings = Container(
        uid=ARBITRARY_USER,
        arguments=[*container["args"], *addresses],
        environment=environment,
        binds={SECRETS: account},
    )
    with containers.started(tmp_path_factory.mktemp("container") / "bundle", image, settings) as running:
        found = Deployed(running, f"http://{address}")
        wait_for(found.ready, timeout=60, what="the operator of the image gets ready")
        yield found


def test_a_router_becomes_available_and_goes_again(deployed: Deployed, space: Space) -> None:
    assert deployed.ready()
    space.create(service())
    router = Router.create(space, {"vllmEndpoints": [endpoint()]})
    router.wait_available()
    router.edit({"replicas": 2})
    router.wait_available()
    router.delete()
    wait_for(lambda: space.get("SemanticRouter", router.name) is None, timeout=60, what="the router goes")
    assert '"level": "error"' not in deployed.container.output


def test_runs_are_warm_and_what_they_leave_behind_is_collected(deployed: Deployed) -> None:
    processes = deployed.processes()
    assert processes[0][0] == "tini"
    assert [one for one in processes if "ansible" in one[0] or one[2] == "1"], processes
    assert not [one for one in processes if one[1] == "Z"], processes


def test_orphans_are_collected_by_process_one(deployed: Deployed) -> None:
    orphan = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    if os.fork() == 0: time.sleep(0.2)\n"
        "    os._exit(0)\n"
        "os.wait()"
    )
    deployed.container.execute("python", "-c", orphan)
    wait_for(
        lambda: not [one for one in deployed.processes() if one[1] == "Z"],
        timeout=10,
        what="no process is dead",
    )


def test_it_cannot_write_but_to_tmp(deployed: Deployed) -> None:
    script = (
        "import os\n"
        "for path in ('/opt/ansible/x', '/opt/operator/x', '/etc/x', '/tmp/x'):\n"
        "    try: open(path, 'w').close(); print(path)\n"
        "    except OSError: pass\n"
        "print(os.getuid(), [l.split()[1] for l in open('/proc/1/status') if l.startswith('CapBnd')])"
    )
    told = deployed.container.execute("python", "-c", script).split()
    assert told == ["/tmp/x", str(ARBITRARY_USER), "['0000000000000000']"]  # noqa: S108 - in the container


def test_it_ends_by_itself_and_gives_the_lease_back(deployed: Deployed, control_plane: DevCluster) -> None:
    assert deployed.container.stop() == 0, deployed.container.output
    lease = control_plane.get("lease", "semantic-router-operator", "-n", NAMESPACE)
    assert not lease["spec"].get("holderIdentity"), lease


def test_the_engine_alone_takes_the_content_that_is_put_into_it(tmp_path: Path) -> None:
    containers.build(ENGINE, "engine")
    toy = CHECKOUT / "tests" / "integration" / "toy"
    settings = Container(
        uid=ARBITRARY_USER,
        arguments=["validate"],
        environment={"TOY_WORKSHOP": "cellar", "COLUMNS": "200"},
        binds={"/opt/ansible": toy},
    )
    with containers.mounted(ENGINE) as engine:
        assert not list(engine.files("opt/ansible"))
        with containers.started(tmp_path / "bundle", engine, settings) as running:
            assert running.process.wait(60) == 0, running.output
            assert "Toy" in running.output


def test_a_project_for_ansible_operator_finds_its_place_in_the_image(tmp_path: Path) -> None:
    containers.build(DROP_IN, "drop-in")
    settings = Container(
        uid=THEIR_USER,
        arguments=["--leader-election-id=pots.example.com", "--zap-devel"],
        environment={},
        binds={"/opt/ansible": CHECKOUT / "tests" / "integration" / "pots"},
    )
    with containers.mounted(DROP_IN) as image:
        assert (image.root / "opt/operator/bin/ansible-galaxy").is_file()
        home = (image.root / "opt/ansible/.ansible").stat()
        assert (home.st_uid, home.st_gid, home.st_mode & 0o770) == (THEIR_USER, 0, 0o770)
        with containers.started(tmp_path / "bundle", image, settings) as running:
            assert running.process.wait(120) == 1, "it has no credentials for a cluster"
            assert "example.com/v1alpha1/Pot" in running.output, running.output
            assert "--zap-devel does nothing here" in running.output

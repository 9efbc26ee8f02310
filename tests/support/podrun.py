"""Executes the pods that the operator makes.

kwok reports every pod as running without starting anything, so a wrong argument, a missing mount or a port
that is taken would go unseen. Here each container's program really starts, with the container's own
arguments, environment, mounts, user and network: the real Envoy, and a stand-in for the router that refuses
what the real one refuses. The probes of the pod are executed against them::

    with run_pod(pod, reader) as running:
        running.wait_ready()
        assert "unknown key" not in running.container("semantic-router").output

``pod`` is a Pod or anything with a pod template (a Deployment); ``reader`` gives the ConfigMaps, Secrets and
claims of its namespace. Needs Linux namespaces: root, or a kernel that lets users make user namespaces.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.support.pods.containers import Place, as_pod, container_spec
from tests.support.pods.environment import POD_ADDRESS
from tests.support.pods.images import CHECKOUT, Image, image_of
from tests.support.pods.objects import Object, PodError, Reader
from tests.support.pods.probes import Probe, probes_of
from tests.support.pods.requests import Answer, Request
from tests.support.pods.specs import ContainerSpec
from tests.support.pods.volumes import Layout
from tests.support.waiting import NotYetError, wait_for

INSIDE = (sys.executable, "-S", "-E", "-B", "-m")
SANDBOX, REQUESTS = (*INSIDE, "tests.support.pods.sandbox"), (*INSIDE, "tests.support.pods.requests")
LONGEST_STOP_SECONDS = 10.0
READY_SECONDS = 30.0
"""Real Envoy and the stand-in are up in one second; the rest is room for a busy machine."""


@dataclass(frozen=True, slots=True)
class Network:
    """The namespaces of one pod, held open by one process."""

    process: subprocess.Popen[str]
    holder: str

    @classmethod
    def make(cls, host_name: str) -> "Network":
        """Make the namespaces; raises PodError on a machine that does not allow it."""
        process = subprocess.Popen(
            [*SANDBOX, "pause", POD_ADDRESS, host_name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=CHECKOUT,
        )  # fmt: skip
        assert process.stdout is not None
        holder = process.stdout.readline().strip()
        if not holder:
            message = (
                "this machine lets us make no namespaces, so pods cannot be executed; run as root, or "
                f"allow them (sysctl kernel.unprivileged_userns_clone=1): {process.communicate()[1]}"
            )
            raise PodError(message)
        return cls(process, holder)

    def close(self) -> None:
        """Let go; the kernel kills whatever still runs in the pod."""
        self.process.communicate()

    def ask(self, request: Request) -> Answer:
        """Send a request from outside the pod."""
        done = subprocess.run(
            [*SANDBOX, "enter", self.holder, *REQUESTS],
            input=request.to_json(), capture_output=True, text=True, check=True, cwd=CHECKOUT,
        )  # fmt: skip
        return Answer.from_json(done.stdout)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningContainer:
    """One started container."""

    container: Object
    image: Image
    spec: ContainerSpec
    process: subprocess.Popen[str]
    log: Path

    @property
    def name(self) -> str:
        """The container's name in the pod spec."""
        return str(self.container["name"])

    @property
    def output(self) -> str:
        """What the program wrote so far, both streams."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def exit_code(self) -> int | None:
        """The program's exit code, None while it runs."""
        return self.process.poll()

    def execute(self, command: Sequence[str], *, timeout: float = 10.0) -> subprocess.CompletedProcess[str]:
        """Run a program as ``kubectl exec`` does; raises PodError for one that is not in the image."""
        if command[0] not in self.image.programs:
            message = f'container "{self.name}": its image has no program {command[0]!r}'
            raise PodError(message)
        spec = replace(self.spec, argv=tuple(command))
        return subprocess.run(
            [*SANDBOX, "exec", Path(self.spec.pid_file).read_text(encoding="utf-8")],
            input=spec.to_json(), capture_output=True, text=True, check=False, cwd=CHECKOUT, timeout=timeout,
        )  # fmt: skip

    def stop(self, grace: float) -> None:
        """Send SIGTERM, and SIGKILL when the program is still there after ``grace`` seconds."""
        self.process.terminate()
        try:
            self.process.wait(grace)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningPod:
    """A pod whose containers have been started."""

    pod: Object
    network: Network
    layout: Layout
    containers: tuple[RunningContainer, ...]

    def container(self, name: str) -> RunningContainer:
        """Return the container of that name; raises KeyError."""
        return {container.name: container for container in self.containers}[name]

    def wait_ready(self, timeout: float = READY_SECONDS) -> None:
        """Execute every probe until each has succeeded; raises PodError with the containers' output."""
        for container in self.containers:
            for probe in probes_of(container.container):
                self._wait_probe(container, probe, timeout)
        self.check_running()

    def check_running(self) -> None:
        """Raise PodError when a container has ended."""
        for container in self.containers:
            if container.exit_code is not None:
                message = (
                    f'container "{container.name}" exited with {container.exit_code}: {container.output}'
                )
                raise PodError(message)

    def _wait_probe(self, container: RunningContainer, probe: Probe, timeout: float) -> None:
        def succeeds() -> bool:
            self.check_running()
            problem = probe.attempt(self.network.ask, lambda command: container.execute(command).returncode)
            assert not problem, problem
            return True

        try:
            wait_for(succeeds, timeout=timeout, what=f"{probe.name} of container {container.name}")
        except NotYetError as error:
            logs = "".join(f"\n--- {one.name}\n{one.output}" for one in self.containers)
            message = f"{error}{logs}"
            raise PodError(message) from error

    def request(
        self, port: int, path: str = "/", *, method: str = "GET", **more: dict[str, str] | str
    ) -> Answer:
        """Send an HTTP request to the pod's address from outside; ``more`` are fields of Request."""
        fields = {"host": POD_ADDRESS, "port": port, "path": path, "method": method, **more}
        return self.network.ask(Request(**fields))  # type: ignore[arg-type] # the record checks its own fields

    def refresh_volumes(self) -> None:
        """Show what changed in ConfigMaps and Secrets, as the kubelet does within a minute."""
        self.layout.refresh()


def _start(
    container: Object, pod: Object, *, network: Network, reader: Reader, place: Place
) -> RunningContainer:
    image = image_of(container["image"])
    spec = container_spec(container, pod, image=image, reader=reader, place=place)
    log = place.containers / container["name"] / "log"
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [*SANDBOX, "run", network.holder],
            stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, text=True, cwd=CHECKOUT,
        )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(spec.to_json())
    process.stdin.close()
    return RunningContainer(container=container, image=image, spec=spec, process=process, log=log)


def _initialise(pod: Object, *, network: Network, reader: Reader, place: Place) -> None:
    """Run the init containers one after the other; raises PodError when one fails."""
    for container in pod["spec"].get("initContainers", []):
        running = _start(container, pod, network=network, reader=reader, place=place)
        if running.process.wait(READY_SECONDS) != 0:
            message = f'init container "{running.name}" exited with {running.exit_code}: {running.output}'
            raise PodError(message)


@contextmanager
def run_pod(obj: Object, reader: Reader) -> Iterator[RunningPod]:
    """Start all containers of a pod, or of a pod template; stop them and remove everything at the end.

    Raises PodError where a kubelet would not start the pod.
    """
    pod = as_pod(obj)
    with ExitStack() as stack:
        directory = Path(tempfile.mkdtemp(prefix="pod-"))
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        directory.chmod(0o755)  # the users of the containers look for their volumes in it
        place = Place(volumes=directory / "volumes", containers=directory / "containers")
        place.volumes.mkdir()
        layout = Layout(pod=pod, reader=reader, directory=place.volumes)
        layout.lay_out()
        network = Network.make(pod["metadata"]["name"])
        stack.callback(network.close)
        _initialise(pod, network=network, reader=reader, place=place)
        grace = min(float(pod["spec"].get("terminationGracePeriodSeconds", 30)), LONGEST_STOP_SECONDS)
        containers = []
        for container in pod["spec"]["containers"]:
            containers.append(_start(container, pod, network=network, reader=reader, place=place))
            stack.callback(containers[-1].stop, grace)
        yield RunningPod(pod=pod, network=network, layout=layout, containers=tuple(containers))

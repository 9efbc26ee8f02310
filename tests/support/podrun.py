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
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.pods.containers import Place, as_pod
from tests.support.pods.environment import POD_ADDRESS
from tests.support.pods.networks import Network
from tests.support.pods.objects import Object, PodError, Reader
from tests.support.pods.probes import Probe, probes_of, stop_hook_of
from tests.support.pods.requests import Answer, Request
from tests.support.pods.running import Ending, RunningContainer, start_container
from tests.support.pods.specs import Bind
from tests.support.pods.volumes import Layout
from tests.support.waiting import NotYetError, wait_for

DEFAULT_GRACE_SECONDS = 30
LONGEST_STOP_SECONDS = 10.0
READY_SECONDS = 30.0
"""Real Envoy and the stand-in are up in one second; the rest is room for a busy machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningPod:
    """A pod whose containers have been started."""

    pod: Object
    network: Network
    layout: Layout
    start: Callable[[Object], RunningContainer]
    containers: list[RunningContainer]

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

    def restart(self, name: str) -> None:
        """Start a container that has ended anew, as the kubelet does."""
        ended = self.container(name)
        self.containers[self.containers.index(ended)] = self.start(ended.container)

    def terminate(self) -> list[Ending]:
        """End all containers at once as a kubelet does: hook, SIGTERM, and SIGKILL when the grace is over."""
        grace = float(self.pod["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS))
        deadline = time.monotonic() + grace
        with ThreadPoolExecutor(len(self.containers)) as pool:
            return list(pool.map(lambda one: self._end(one, deadline), self.containers))

    def _end(self, container: RunningContainer, deadline: float) -> Ending:
        left = deadline - time.monotonic()
        hook, problem = stop_hook_of(container.container, left), ""
        if hook is not None:
            problem = hook.attempt(
                self.network.ask, lambda command: container.execute(command, timeout=left).returncode
            )
        in_time = container.stop(deadline - time.monotonic())
        return Ending(container=container.name, hook_problem=problem, in_time=in_time)

    def close(self) -> None:
        """End all containers without their hooks."""
        grace = float(self.pod["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS))
        for container in reversed(self.containers):
            container.stop(min(grace, LONGEST_STOP_SECONDS))


def _initialise(pod: Object, start: Callable[[Object], RunningContainer]) -> None:
    """Run the init containers one after the other; raises PodError when one fails."""
    for container in pod["spec"].get("initContainers", []):
        running = start(container)
        if running.process.wait(READY_SECONDS) != 0:
            message = f'init container "{running.name}" exited with {running.exit_code}: {running.output}'
            raise PodError(message)


@contextmanager
def run_pod(
    obj: Object,
    reader: Reader,
    *,
    prepare: Callable[[Network], object] | None = None,
    additions: tuple[Bind, ...] = (),
) -> Iterator[RunningPod]:
    """Start all containers of a pod, or of a pod template; stop them and remove everything at the end.

    ``prepare`` is called when the pod's network is there and before anything runs in it; ``additions`` are files
    that the images have besides. Raises PodError where a kubelet would not start the pod.
    """
    pod = as_pod(obj)
    with ExitStack() as stack:
        directory = Path(tempfile.mkdtemp(prefix="pod-"))
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        directory.chmod(0o755)  # the users of the containers look for their volumes in it
        place = Place(volumes=directory / "volumes", containers=directory / "containers", additions=additions)
        place.volumes.mkdir()
        layout = Layout(pod=pod, reader=reader, directory=place.volumes)
        layout.lay_out()
        network = Network.make(pod["metadata"]["name"])
        stack.callback(network.close)
        if prepare:
            prepare(network)

        def start(container: Object) -> RunningContainer:
            return start_container(container, pod, network=network, reader=reader, place=place)

        running = RunningPod(pod=pod, network=network, layout=layout, start=start, containers=[])
        stack.callback(running.close)
        _initialise(pod, start)
        running.containers.extend(start(container) for container in pod["spec"]["containers"])
        yield running

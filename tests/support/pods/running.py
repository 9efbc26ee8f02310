"""One running container: its output, commands inside of it, and its end."""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.support.pods.containers import Place, container_spec
from tests.support.pods.images import CHECKOUT, Image, image_of
from tests.support.pods.networks import SANDBOX, Network
from tests.support.pods.objects import Object, PodError, Reader
from tests.support.pods.specs import ContainerSpec

LET_OPEN = 0o666
"""As container runtimes do, the container's user may open /dev/stdout anew."""


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

    def stop(self, grace: float) -> bool:
        """Send SIGTERM, and SIGKILL when the program is still there after ``grace`` seconds.

        Returns whether the program ended by itself.
        """
        self.process.terminate()
        try:
            self.process.wait(grace)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        return True

    def kill(self) -> None:
        """End the program at once, as the kernel does when it needs too much memory."""
        self._signal(signal.SIGKILL)
        self.process.wait()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let the program do nothing for the length of a block, as on a machine that is too busy."""
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        os.kill(int(Path(self.spec.pid_file).read_text(encoding="utf-8")), number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a container ended: what went wrong with its hook, and whether it ended by itself in time."""

    container: str
    hook_problem: str
    in_time: bool


def start_container(
    container: Object, pod: Object, *, network: Network, reader: Reader, place: Place
) -> RunningContainer:
    """Start a container in the network of its pod; raises PodError where a kubelet would not."""
    image = image_of(container["image"])
    spec = container_spec(container, pod, image=image, reader=reader, place=place)
    log = place.containers / container["name"] / "log"
    log.write_bytes(b"")
    log.chmod(LET_OPEN)
    with log.open("a", encoding="utf-8") as output:
        process = subprocess.Popen(
            [*SANDBOX, "run", network.holder],
            stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, text=True, cwd=CHECKOUT,
        )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(spec.to_json())
    process.stdin.close()
    return RunningContainer(container=container, image=image, spec=spec, process=process, log=log)

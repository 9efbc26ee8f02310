"""The namespaces that the containers of a pod share: its network, its processes, its host name."""

import subprocess
import sys
from dataclasses import dataclass

from tests.support.pods.environment import POD_ADDRESS
from tests.support.pods.images import CHECKOUT
from tests.support.pods.objects import PodError
from tests.support.pods.requests import Answer, Request
from tests.support.pods.sockets import PodSockets

INSIDE = (sys.executable, "-S", "-E", "-B", "-m")
SANDBOX, REQUESTS = (*INSIDE, "tests.support.pods.sandbox"), (*INSIDE, "tests.support.pods.requests")
SOCKETS = (*INSIDE, "tests.support.pods.sockets")


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

    def sockets(self) -> PodSockets:
        """Return what opens sockets in the pod; to be closed."""
        return PodSockets.enter([*SANDBOX, "enter", self.holder, *SOCKETS], CHECKOUT)

"""The kernel kills a process whose time is over, whatever that process is doing."""

import math
import os
import signal
import subprocess
import sys

import pytest

from playbook_engine.cluster.errors import FencedError
from playbook_engine.cluster.messages import Request
from playbook_engine.cluster.transport import Transport
from playbook_engine.fence import Deadman, Fence, Tenure, boot_seconds

WAITS = """
import sys, time
from playbook_engine.fence import Deadman, boot_seconds
deadman = Deadman()
deadman.arm(boot_seconds() + float(sys.argv[1]))
{then}
print("armed", flush=True)
sys.stdin.read()
"""


def start(seconds: float, then: str = "") -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    program = WAITS.format(then=then)
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(seconds)], stdin=pipe, stdout=pipe, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def ended(process: subprocess.Popen[str]) -> int:
    process.communicate(timeout=30)
    return process.returncode


def test_a_process_that_is_stopped_is_killed_in_time() -> None:
    process = start(1.0)
    os.kill(process.pid, signal.SIGSTOP)
    assert process.wait(timeout=30) == -signal.SIGKILL
    ended(process)


def test_a_later_time_takes_the_place_of_an_earlier_one() -> None:
    assert ended(start(3600.0, "deadman.arm(boot_seconds() + 0.2)\ntime.sleep(30)")) == -signal.SIGKILL
    assert ended(start(0.5, "deadman.arm(boot_seconds() + 3600)\ntime.sleep(1)")) == 0


def test_a_timer_can_be_taken_back() -> None:
    assert ended(start(0.5, "deadman.arm(float('inf'))\ntime.sleep(1)")) == 0


def test_a_time_that_is_over_kills_at_once() -> None:
    assert ended(start(3600.0, "deadman.arm(1.0)\ntime.sleep(30)")) == -signal.SIGKILL


def test_a_fence_that_was_never_armed_lets_everything_pass() -> None:
    Deadman().arm(math.inf)
    assert Fence().left == math.inf


def test_a_tenure_is_written_and_read_the_same() -> None:
    for tenure in (Tenure(1.25, 2.5), Tenure(math.inf, math.inf), Tenure(-math.inf, 1e9 + 0.001)):
        assert Tenure.of_line(tenure.line().strip()) == tenure


async def test_nothing_is_written_when_the_tenure_is_over() -> None:
    fence = Fence()
    transport = Transport(fence)
    fence.move(Tenure(boot_seconds() - 0.001, math.inf))
    with pytest.raises(FencedError, match="the lease is not held any more"):
        await transport.send(Request(method="PATCH", path="/api/v1/namespaces/x/configmaps/y"))

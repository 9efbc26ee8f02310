"""``make demo``: a SemanticRouter becomes running objects, is edited, rolls, and disappears again.

``KUBECONFIG=…``  plays on that cluster (asks first, ``YES=1`` agrees) instead of a control plane of its own.
``KEEP=1``        leaves everything running and says how to use and how to end it (``make demo-down``).
``DEMO_TIMEOUT``  seconds that the router may take to come up; 900 by default.
"""

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tools.demo import actors, keeping, places
from tools.demo.display import Display, WaitedTooLongError
from tools.demo.kube import Kubectl, KubectlError
from tools.demo.places import DeclinedError, Place
from tools.demo.processes import STOP_SECONDS, stop_tree
from tools.demo.resource import Resource
from tools.demo.story import Story

FAILURES = (WaitedTooLongError, KubectlError, actors.OperatorEndedError, subprocess.CalledProcessError)


def choose_place(display: Display, *, keep: bool) -> Place:
    """Return the cluster to play on; raises DeclinedError and KubectlError."""
    if os.environ.get("KUBECONFIG"):
        place = places.look_at(Kubectl(), own=False)
        places.agree(place, yes=os.environ.get("YES") == "1")
        return place
    if places.own_is_running():
        display.note("ending the control plane that an earlier demonstration left")
        places.stop_own()
    with display.step("Starting a control plane on loopback: etcd, API server, controllers, scheduler, kwok"):
        return places.start_own(keep=keep)


def play(display: Display, *, keep: bool) -> None:
    """Play the demonstration and clean up, whatever happens."""
    with ExitStack() as stack:
        directory = Path(tempfile.mkdtemp(prefix="semantic-router-demo-"))
        stack.callback(actors.forget, directory)
        place = choose_place(display, keep=keep)
        if place.own:
            stack.callback(places.stop_own)
        else:
            stack.callback(actors.leave, place.kubectl, remove_crd=not place.crd_was_there)
        story = Story(display, place, directory, stack)
        try:
            resource = story.play()
        except (*FAILURES, KeyboardInterrupt):
            story.dump()
            raise
        if keep:
            stack.pop_all()
            leave_running(display, story, resource)


def leave_running(display: Display, story: Story, resource: Resource) -> None:
    """Remember what runs and say how to use and how to end it."""
    assert story.operator is not None  # noqa: S101 - it has just been watched
    place, process = story.place, story.operator.process
    keeping.Kept(
        pid=process.process.pid,
        started=keeping.started_at(process.process.pid),
        own=place.own,
        kubeconfig=str(place.kubectl.kubeconfig or os.environ["KUBECONFIG"]),
        command=place.kubectl.command,
        directory=str(story.directory),
        name=resource.name,
        remove_crd=not place.crd_was_there,
    ).save()
    display.note("Everything is left running. Look around with:")
    display.show(f"export KUBECONFIG={place.kubectl.kubeconfig or os.environ['KUBECONFIG']}", "")
    display.show(f"{place.shown} -n {places.NAMESPACE} describe semanticrouter {resource.name}", "")
    display.show(f"tail -f {process.log}", "")
    display.note("and end it with:")
    display.show("make demo-down", "")


def end_kept(display: Display) -> int:
    """End what ``KEEP=1`` left running; return the exit code."""
    kept = keeping.load()
    if kept is None:
        display.note("no demonstration was left running")
        return 0
    kubectl = Kubectl(command=kept.command, kubeconfig=Path(kept.kubeconfig))
    if kept.operator_runs and not kept.own:
        resource = Resource(kubectl, kept.name)
        kubectl.run("delete", "semanticrouter", kept.name, "-n", places.NAMESPACE, "--ignore-not-found")
        display.wait("deletion", resource.gone, timeout=120)
    if kept.operator_runs:
        stop_tree(kept.pid, STOP_SECONDS)
    if kept.own:
        places.stop_own()
    else:
        actors.leave(kubectl, remove_crd=kept.remove_crd)
    actors.forget(Path(kept.directory))
    keeping.record().unlink()
    display.note("ended; nothing is left")
    return 0


def main(arguments: list[str]) -> int:
    """Run the demonstration, or with ``down`` end one that was left running."""
    display = Display()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends like Ctrl-C: with a clean-up
    try:
        if arguments == ["down"]:
            return end_kept(display)
        if (kept := keeping.load()) is not None and kept.operator_runs:
            display.note("a demonstration still runs; end it with `make demo-down`")
            return 1
        play(display, keep=os.environ.get("KEEP") == "1")
    except DeclinedError as declined:
        display.note(str(declined))
        return 1
    except FAILURES as error:
        display.failure(str(error))
        return 1
    except KeyboardInterrupt:
        display.failure("interrupted; everything has been cleaned up")
        return 130
    display.summary()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

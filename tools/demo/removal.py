"""``make uninstall`` and ``make undeploy``: resources go before what looks after them, so no finalizer hangs.

``FORCE=1`` takes the finalizer off resources that no operator answers for; Kubernetes then collects their
objects through their owner references.
"""

import json
import os
import sys
import time

from tools.demo.display import Display, WaitedTooLongError
from tools.demo.kube import CHECKOUT, Kubectl, KubectlError
from tools.demo.places import CRD

FINALIZER = "semanticrouter.vllm.ai/finalizer"
NO_ANSWER_SECONDS = 60.0
"""How long resources may stay without any of them going before no operator is taken to run."""


class NoOperatorError(Exception):
    """Deleted resources keep their finalizer; the message says what to do."""


def resources(kubectl: Kubectl) -> list[tuple[str, str]]:
    """Return namespace and name of every SemanticRouter."""
    found = kubectl.items(CRD, "-A")
    return [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in found]


def delete_resources(kubectl: Kubectl, display: Display, *, force: bool) -> None:
    """Delete every SemanticRouter and wait until they are gone; raises NoOperatorError."""
    for namespace, name in resources(kubectl):
        display.note(f"deleting SemanticRouter {namespace}/{name}")
        kubectl.run("delete", CRD, name, "-n", namespace, "--wait=false", "--ignore-not-found")
        if force:
            take_finalizer(kubectl, namespace, name)
    left, since = resources(kubectl), time.monotonic()

    def look() -> tuple[bool, str]:
        nonlocal left, since
        now = resources(kubectl)
        if now != left:
            left, since = now, time.monotonic()
        if left and time.monotonic() - since > NO_ANSWER_SECONDS:
            raise NoOperatorError(no_answer(left))
        return not left, f"{len(left)} left"

    display.wait("the operator lets go of them", look, timeout=3600)


def no_answer(left: list[tuple[str, str]]) -> str:
    """Say that no operator answers, and the two ways out."""
    names = ", ".join(f"{namespace}/{name}" for namespace, name in left)
    return (
        f"no operator answers: {names} keep the finalizer {FINALIZER}. Start one with `make run` in another "
        "terminal (or `make deploy`) and do this again; or, when none will come back, FORCE=1 make uninstall"
    )


def take_finalizer(kubectl: Kubectl, namespace: str, name: str) -> None:
    """Take our finalizer off the very object that is there now; no other finalizer is touched."""
    found = kubectl.get(CRD, name, "-n", namespace)
    finalizers = (found or {}).get("metadata", {}).get("finalizers", [])
    if FINALIZER not in finalizers:
        return
    index = finalizers.index(FINALIZER)
    patch = [
        {"op": "test", "path": "/metadata/uid", "value": found["metadata"]["uid"]},
        {"op": "test", "path": f"/metadata/finalizers/{index}", "value": FINALIZER},
        {"op": "remove", "path": f"/metadata/finalizers/{index}"},
    ]
    kubectl.run("patch", CRD, name, "-n", namespace, "--type=json", "-p", json.dumps(patch))


def uninstall(kubectl: Kubectl, display: Display, *, force: bool) -> None:
    """Delete the resources, wait, then delete the definition."""
    if kubectl.get("crd", CRD) is None:
        display.note(f"{CRD} is not installed, nothing to do")
        return
    with display.step("Deleting the SemanticRouters"):
        delete_resources(kubectl, display, force=force)
    with display.step("Deleting the CustomResourceDefinition"):
        kubectl.run("delete", "crd", CRD, "--ignore-not-found")


def undeploy(kubectl: Kubectl, display: Display, *, force: bool) -> None:
    """Remove the operator; raises NoOperatorError when that would leave resources that cannot be deleted."""
    left = resources(kubectl)
    if left and not force:
        names = ", ".join(f"{namespace}/{name}" for namespace, name in left)
        message = f"{names} could not be deleted without the operator: run `make uninstall` first, or FORCE=1"
        raise NoOperatorError(message)
    with display.step("Removing the operator"):
        overlay = os.environ.get("OVERLAY") or "base"
        kubectl.run("delete", "--ignore-not-found", "-k", str(CHECKOUT / "deploy" / overlay))


def main(arguments: list[str]) -> int:
    """Run ``uninstall`` or ``undeploy`` on the cluster of KUBECONFIG; return the exit code."""
    display, kubectl = Display(), Kubectl()
    force = os.environ.get("FORCE") == "1"
    try:
        display.note(f"cluster {kubectl.server()}")
        {"uninstall": uninstall, "undeploy": undeploy}[arguments[0]](kubectl, display, force=force)
    except (NoOperatorError, KubectlError, WaitedTooLongError) as error:
        display.failure(str(error))
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""The scenes of the demonstration, in order."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tools.demo.actors import Operator, install, manifests, stage_is_free, start_operator
from tools.demo.display import Display
from tools.demo.kube import KubectlError, documents
from tools.demo.places import NAMESPACE, Place
from tools.demo.resource import KINDS, Resource

EDIT = '{"spec":{"podAnnotations":{"demo":"edited"},"config":{"tools":{"enabled":true,"top_k":5}}}}'
READY_SECONDS = 60.0
GONE_SECONDS = 120.0


def available_seconds() -> float:
    """Return how long the resource may take, ``DEMO_TIMEOUT``: a real router downloads models first."""
    return float(os.environ.get("DEMO_TIMEOUT", "900"))


@dataclass(slots=True)
class Story:
    """The demonstration on one place, with the effects that must be undone kept on ``stack``."""

    display: Display
    place: Place
    directory: Path
    stack: ExitStack
    operator: Operator | None = None
    resource: Resource | None = None

    def play(self) -> Resource:
        """Play everything up to the edited resource; raises WaitedTooLongError, KubectlError and the like."""
        with self.display.step("Installing the CustomResourceDefinition and the operator's rights"):
            if not stage_is_free(self.place)[0]:
                look = partial(stage_is_free, self.place)
                self.display.wait("the last demonstration goes", look, timeout=GONE_SECONDS)
            install(self.place)
        with self.display.step("Starting the operator with its own ServiceAccount's rights"):
            self._start_operator()
        resource = self._apply_sample()
        with self.display.step("Waiting until it is available"):
            self.display.wait("the router comes up", resource.available, timeout=available_seconds())
        self._show(resource)
        self._edit(resource)
        return resource

    def _start_operator(self) -> None:
        self.operator = start_operator(self.place, self.directory)
        self.stack.callback(self.operator.process.stop)
        self.display.wait("the operator gets ready", self.operator.ready, timeout=READY_SECONDS)

    def _apply_sample(self) -> Resource:
        prerequisites, sample = manifests(self.place, self.directory)
        with self.display.step("Applying a SemanticRouter and what it refers to"):
            for file in (prerequisites, sample):
                self._kubectl("apply", "-f", str(_short(file)))
        (resource,) = documents(sample)
        self.resource = Resource(self.place.kubectl, resource["metadata"]["name"])
        self.stack.callback(self._delete, self.resource)
        return self.resource

    def _show(self, resource: Resource) -> None:
        with self.display.step("What there is now"):
            self._kubectl("get", "semanticrouter")
            self._kubectl("get", KINDS, "-l", f"app.kubernetes.io/instance={resource.name}")
            self._kubectl("get", "events", "--field-selector", "involvedObject.kind=SemanticRouter")

    def _edit(self, resource: Resource) -> None:
        generation = resource.deployment()["metadata"]["generation"]
        with self.display.step("Editing it: an annotation of the pods and a setting of the router"):
            self._kubectl("patch", "semanticrouter", resource.name, "--type=merge", "-p", EDIT)
        with self.display.step("Watching the rolling update"):
            look = resource.rolled_beyond(generation)
            self.display.wait("the new pods take over", look, timeout=available_seconds())
            self._kubectl("get", "replicaset", "-l", f"app.kubernetes.io/instance={resource.name}")
            self._kubectl("get", "semanticrouter")

    def _delete(self, resource: Resource) -> None:
        """Delete the resource while the operator still runs, so that no finalizer hangs."""
        with self.display.step("Deleting it: the operator lets go and everything that it made disappears"):
            self._kubectl("delete", "semanticrouter", resource.name, "--ignore-not-found", "--wait=false")
            self.display.wait("deletion", resource.gone, timeout=GONE_SECONDS)
            self.display.note("nothing is left of it")

    def _kubectl(self, *arguments: str) -> None:
        """Run a command that the reader could type, and show it."""
        given = ("-n", NAMESPACE, *arguments)
        self.display.show(
            f"kubectl {' '.join(_quoted(word) for word in given)}", self.place.kubectl.run(*given)
        )

    def dump(self) -> None:
        """Show what helps to understand a failure."""
        name = self.resource.name if self.resource else ""
        looks: list[Callable[[], None]] = [
            lambda: self._kubectl("describe", "semanticrouter", name),
            lambda: self._kubectl("get", "all,configmap,persistentvolumeclaim"),
            lambda: self._kubectl("get", "events", "--sort-by=.lastTimestamp"),
        ]
        for look in looks:
            try:
                look()
            except KubectlError as error:
                self.display.note(str(error))
        if self.operator:
            self.display.show(f"tail {self.operator.process.log}", self.operator.process.tail())


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _quoted(word: str) -> str:
    return f"'{word}'" if "{" in word else word

"""An imagined cluster: takes what runs apply and remove, and shows it to the next run. Nothing else lives in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tools.fields.runs import Object, Run, run
from tools.fields.surroundings import resource_of, surroundings
from tools.fields.values import with_defaults
from tools.fields.walk import spec_schema

MOST_RUNS = 6


@dataclass(slots=True)
class ImaginedCluster:
    """Objects by kind and name; server-side apply by one manager makes an object what the manifest says."""

    objects: dict[tuple[str, str], Object] = field(default_factory=dict)

    def settle(self, spec: Mapping[str, Any]) -> Run:
        """Run until nothing changes any more; raises AssertionError when that does not happen soon."""
        resource = resource_of(with_defaults(spec, spec_schema()))
        for _ in range(MOST_RUNS):
            before = dict(self.objects)
            done = run(resource, surroundings(resource, *self.objects.values()))
            self._take(done)
            if self.objects == before:
                return done
        raise AssertionError(f"runs go on changing things for {spec}")

    def _take(self, done: Run) -> None:
        for item in done.applied:
            key = (item["kind"], item["metadata"]["name"])
            uid = f"uid-of-{key[0]}-{key[1]}"
            assert item["metadata"].get("uid", uid) == uid, "the uid that was seen"
            self.objects[key] = {**item, "metadata": {**item["metadata"], "uid": uid, "resourceVersion": "1"}}
        for item in done.removed:
            self.objects.pop((item["kind"], item["metadata"]["name"]), None)

    def without(self, *kinds: str) -> dict[tuple[str, str], Object]:
        """Return the objects that are of none of the kinds."""
        return {key: item for key, item in self.objects.items() if key[0] not in kinds}

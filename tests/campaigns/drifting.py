"""One router at rest, whose objects another client deletes and changes: each comes back, and then all is as before."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tests.campaigns.acts import do, live
from tests.campaigns.owned import Act, Drift, accounts
from tests.campaigns.reports import Budget, Report, Seen
from tests.campaigns.stage import Stage, Step
from tests.campaigns.states import REVISION, State, first_difference, plain, stable
from tests.campaigns.strays import leaves_a_stray, stray_at, without
from tests.support.routers import ALL_KINDS
from tests.support.waiting import wait_for

BACK_SECONDS = 60.0
OBJECTS_AT_ONCE = 4
FIELDS_IN_TURN = 12
"""So many fields are changed, each when the one before it is back, until the whole is looked at."""

MARK = {"metadata": {"annotations": {"example.com/note": "mine"}, "labels": {"team": "a"}}}
"""What somebody else has added to each object."""


@dataclass(slots=True)
class Drifting:
    """What is done to the objects of one router; ``step`` makes it, and after a failure makes it anew."""

    stage: Stage
    step: Step
    reference: State = field(init=False)
    owner: str = field(init=False)
    """The uid of the router."""

    marked: bool = False

    def begin(self) -> list[dict[str, Any]]:
        """Make the router; return its objects at rest, which are what has to come back."""
        self.stage.perform(self.step)
        for item in self._objects() if self.marked else ():
            if not REVISION.search(item["metadata"]["name"]):  # a Secret that changes makes other pods
                self.stage.space.patch(item["kind"], item["metadata"]["name"], MARK)
        self.stage.rest()
        self.owner = self.stage.router.uid
        self.reference = self.stage.state()
        return self._objects()

    def begin_again(self, *, marked: bool) -> list[dict[str, Any]]:
        """Make another router, to whose objects somebody else has added something when ``marked``."""
        self.end()
        self.marked = marked
        return self.begin()

    def end(self) -> None:
        """Delete the router, and the Gateway that it may have been behind."""
        self.stage.router.delete()
        self.stage.space.delete("Gateway", "shared")
        self.stage.settle(Step("delete", lambda _: None, leaves=False))

    def _objects(self) -> list[dict[str, Any]]:
        """Return what the router has made, without what its Deployment has."""
        kinds = [*(kind for kind in ALL_KINDS if kind not in ("ReplicaSet", "Pod")), "Secret"]
        return list(self.stage.router.children(*kinds).values())

    def play(self, drifts: Sequence[Drift], report: Report, budget: Budget) -> None:
        """Try all as long as there is time; ``drifts`` are either objects or fields."""
        waiting = deque(drifts)
        while waiting and not budget.is_spent:
            seen = self._attempt(waiting)
            failed = any(found.said for found in seen.values())
            for drift, found in seen.items():
                if found.said or not failed:
                    report.add(drift, replace(found, call=f"{drift.act} of {drift.kind}"))
                else:
                    waiting.append(drift)  # it came back, but the whole has not been looked at
            if failed:
                self.begin_again(marked=self.marked)
        report.left += len(waiting)

    def _attempt(self, waiting: deque[Drift]) -> dict[Drift, Seen]:
        """Take some of what waits; what is wrong when all is at rest again is said of each of them."""
        before = self.stage.uids()
        seen = self._delete(waiting) if waiting[0].act is Act.DELETE else self._change(waiting)
        if any(found.said for found in seen.values()):
            return seen
        said = self._whole(before, list(seen))
        return {drift: replace(found, said=said) for drift, found in seen.items()}

    def _delete(self, waiting: deque[Drift]) -> dict[Drift, Seen]:
        drifts = [waiting.popleft() for _ in range(min(OBJECTS_AT_ONCE, len(waiting)))]
        return {drift: Seen(reached=do(self.stage.space, drift) is not None) for drift in drifts}

    def _change(self, waiting: deque[Drift]) -> dict[Drift, Seen]:
        """Change one field after the other, until one does not come back."""
        seen: dict[Drift, Seen] = {}
        while waiting and len(seen) < FIELDS_IN_TURN:
            drift = waiting.popleft()
            try:
                seen[drift] = Seen(reached=self._comes_back(drift))
            except AssertionError as error:
                seen[drift] = Seen(reached=True, said=[str(error), *self.stage.complaints()])
                break
        return seen

    def _comes_back(self, drift: Drift) -> bool:
        """Change one thing and wait until it is back; tell whether it was changed."""
        changed = do(self.stage.space, drift)
        if changed is None:
            return False
        if leaves_a_stray(drift):
            renamed = self._plain(changed)
            self._wait_back(drift, f"{drift.object} is as it was, beside what was renamed", renamed)
            found = live(self.stage.space, drift)
            place = stray_at(self._plain(found), renamed, drift.path)
            self.stage.space.patch(drift.kind, found["metadata"]["name"], [{"op": "remove", "path": place}])
        self._wait_back(drift, f"{drift.object} is as it was")
        return True

    def _wait_back(self, drift: Drift, what: str, renamed: Any = None) -> None:  # noqa: ANN401 - decoded JSON
        def is_back() -> bool:
            there = live(self.stage.space, drift)
            assert accounts(there), "nobody knows what the operator has applied"
            found = self._plain(there)
            if renamed is not None:
                found = without(found, stray_at(found, renamed, drift.path))
            expected = self.reference.objects[drift.object]
            assert found == expected, first_difference(expected, found)
            assert not self.stage.is_busy(), "a run goes on"
            return True

        wait_for(is_back, timeout=BACK_SECONDS, what=what)

    def _plain(self, item: dict[str, Any]) -> Any:  # noqa: ANN401 - decoded JSON
        return plain(item, self.owner)

    def _whole(self, before: dict[str, str], drifts: Sequence[Drift]) -> list[str]:
        """Wait until everything is as it was and at rest; return what is wrong then."""
        try:
            wait_for(self._is_as_before, timeout=BACK_SECONDS, what="everything is as it was")
            self.stage.settle(self.step)
            self.stage.rest()
            said = self.reference.differences(self.stage.state())
        except AssertionError as error:
            said = [str(error), *self.stage.complaints()]
        deleted = {drift.object for drift in drifts if drift.act is Act.DELETE}
        made = {stable(name) for name, uid in self.stage.uids().items() if before.get(name, uid) != uid}
        return said + [f"{name} was made again" for name in made - deleted]

    def _is_as_before(self) -> bool:
        differences = self.reference.differences(self.stage.state())
        assert not differences, differences[:3]
        return True

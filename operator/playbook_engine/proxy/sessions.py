"""What one run may do and has done: the states of its own objects as it saw them last."""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from playbook_engine.objects import GroupVersionKind, Object, ObjectKey, key_of
from playbook_engine.proxy.owning import Owner
from playbook_engine.watches.records import Dependents

_EVENT = "Event"
"""Events of a run belong to its resource like everything else, but they go by themselves: nobody puts them right."""


class News(Protocol):
    """Who hears of the objects of runs."""

    def seen(self, found: Object) -> None:
        """An object is in this state or a newer one."""
        ...

    def gone(self, key: ObjectKey, uid: str) -> None:
        """An object has been deleted."""
        ...

    async def follow(self, gvk: GroupVersionKind) -> None:
        """Hear of all objects of a kind from now on; returns when those that are there are known, or cannot be."""
        ...

    def ended(self, owner: ObjectKey) -> None:
        """A run for that resource has ended."""
        ...


@dataclass(slots=True, kw_only=True)
class Session:
    """One run; ``kubeconfig`` is the text that leads its clients here, as long as the run goes on."""

    owner: Owner
    policy: Dependents
    news: News
    kubeconfig: str = ""
    seen: dict[ObjectKey, Object | None] = field(default_factory=dict)
    """Objects of the owner as the run saw them last, by what it read or wrote; None for those that it deleted."""

    _follows: dict[GroupVersionKind, asyncio.Task[None]] = field(default_factory=dict)

    def watches(self, gvk: GroupVersionKind, *, namespaced: bool) -> bool:
        """Whether changes of such objects are to be heard of."""
        return (
            self.policy.watch
            and (namespaced or self.policy.cluster_scoped)
            and gvk not in self.policy.ignored
            and gvk.kind != _EVENT
        )

    def saw(self, found: Object) -> None:
        """Take note of an object of the owner, in the state that the API server has answered with."""
        key = key_of(found)
        self.seen[key] = found
        self._follow(key.gvk)
        self.news.seen(found)

    def deleted(self, key: ObjectKey, uid: str) -> None:
        """Take note that the run has deleted an object; whose it was is not known."""
        self.seen[key] = None
        self.news.gone(key, uid)

    async def settled(self) -> None:
        """Wait until the kinds of all objects that were seen are followed."""
        await asyncio.gather(*self._follows.values(), return_exceptions=True)

    def _follow(self, gvk: GroupVersionKind) -> None:
        if gvk not in self._follows:
            self._follows[gvk] = asyncio.create_task(self.news.follow(gvk), name=f"follow {gvk}")

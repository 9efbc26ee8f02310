"""Makes what entries need whose runs may make objects by any module: the proxy, and watches of further kinds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from playbook_engine.events.following import Following, Source
from playbook_engine.events.intake import Intake
from playbook_engine.objects import GroupVersionKind, Object, ObjectKey
from playbook_engine.proxy.requests import Upstream
from playbook_engine.queue.schedule import Priority


class Access(Upstream, Source, Protocol):
    """The API server as the proxy and the watches of further kinds reach it."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """Takes in what runs see of their objects: earlier than by events, which then are no news any more."""

    intake: Intake
    following: Following
    add: Callable[[ObjectKey, Priority], None]

    def seen(self, found: Object) -> None:
        """An object is in this state or a newer one."""
        self.intake.seen(found, ours=True)

    def gone(self, key: ObjectKey, uid: str) -> None:
        """An object has been deleted."""
        self.intake.gone(key, uid)

    async def follow(self, gvk: GroupVersionKind) -> None:
        """Hear of all objects of a kind from now on."""
        await self.following.follow(gvk)

    def ended(self, owner: ObjectKey) -> None:
        """A run has ended: look whether what it left holds. That makes no other run when it does."""
        self.add(owner, Priority.DEPENDENT)

"""What is known of objects that runs make by any module: a print of each, to see whether anybody has changed it.

An object that a run has applied under its field manager has the fingerprint of its managed fields. Of others nobody
can say which fields are whose, so that everything in them counts but the state and what the server writes itself.
"""

import hmac
import json
import secrets
from collections.abc import Mapping

from playbook_engine.objects import Object, ObjectKey, key_of, metadata_of, owner_mark, uid_of
from playbook_engine.store import Store
from playbook_engine.watches.records import Watch

_KEY = secrets.token_bytes(32)
"""Prints get into a digest that everybody can read, and may be of a Secret: without this they tell nothing.

Another process has another, so that it runs everything once.
"""

_NO_CONTENT = ("managedFields", "resourceVersion", "generation")


def content_print(found: Object) -> str:
    """Give a print of an object's content: all but its status, and what the server counts and notes in its metadata."""
    metadata = {name: value for name, value in metadata_of(found).items() if name not in _NO_CONTENT}
    content = {**found, "metadata": metadata}
    content.pop("status", None)
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hmac.digest(_KEY, canonical.encode(), "sha256").hex()


def dependents_of(watch: Watch, resource: Object, store: Store) -> dict[str, list[str]]:
    """Give ``[uid, print]`` by key of the objects that belong to a resource, of kinds that its entry does not name."""
    if watch.dependents is None or not watch.dependents.watch:
        return {}
    elsewhere = {kind.gvk for kind in watch.owns}.union(watch.dependents.ignored)
    marks = (uid_of(resource), owner_mark(key_of(resource)))
    found = {key_of(one): one for mark in marks for one in store.owned_by(mark)}
    return {str(key): _told(one) for key, one in sorted(found.items()) if key.gvk not in elsewhere}


def left_by(
    before: Mapping[str, list[str]], seen: Mapping[ObjectKey, Object | None]
) -> dict[str, dict[str, str]]:
    """Give what a run has left, in the form in which runs hand back objects.

    That is what it has ``seen`` last, and for what it did not look at the state ``before``: who changed that meanwhile
    was somebody else.
    """
    left = dict(before)
    for key, found in seen.items():
        if found is None:
            left.pop(str(key), None)
        else:
            left[str(key)] = _told(found)
    return {key: {"uid": uid, "fields": text} for key, (uid, text) in left.items()}


def _told(found: Object) -> list[str]:
    return [uid_of(found), content_print(found)]

"""The ``owns`` and ``references`` of an entry: which other kinds matter, and how their objects are found."""

import re
from collections.abc import Mapping

from playbook_engine.expressions import Expression
from playbook_engine.objects import GroupVersionKind
from playbook_engine.watches import values
from playbook_engine.watches.nodes import Place
from playbook_engine.watches.records import Glimpse, OwnedKind, ReadMode, Reference

_GVK = ("group", "version", "kind")
_READ_KEYS = ("watch", "pollPeriod")
_OWNED_KEYS = (*_GVK, "names", "inputs", *_READ_KEYS)
_FINDERS = ("names", "labels", "every")
_REFERENCE_KEYS = (*_GVK, *_FINDERS, "projection", "countsWhen", *_READ_KEYS)
_GLIMPSE_KEYS = (*_GVK, "labels", "when", "projection", "pollPeriod")
_NAME = re.compile(r"[a-z][a-z0-9_]*")

DEFAULT_POLL_SECONDS = 30.0


def owned_kinds(place: Place | None, environ: Mapping[str, str]) -> tuple[OwnedKind, ...]:
    """Read ``owns``; two owned kinds must not have the same ``kind``, since runs see them by kind."""
    found: list[OwnedKind] = []
    lines: dict[str, int] = {}
    for item in place.items() if place else ():
        section = item.section(_OWNED_KEYS)
        gvk = values.group_version_kind(section, at=item)
        names, inputs = (values.expression(section.get(key)) for key in ("names", "inputs"))
        mode, poll_seconds = _reading(section, environ)
        if gvk is None:
            continue
        if gvk.kind in lines:
            item.wrong(
                f"kind {gvk.kind!r} is owned already on line {lines[gvk.kind]}, and runs see owned objects by"
                " kind; remove one"
            )
            continue
        lines[gvk.kind] = item.line
        found.append(OwnedKind(gvk=gvk, names=names, inputs=inputs, mode=mode, poll_seconds=poll_seconds))
    return tuple(found)


def kinds(place: Place | None) -> tuple[GroupVersionKind, ...]:
    """Read ``apis``: kinds of which runs only learn whether the cluster serves them."""
    items = place.items() if place else ()
    found = (values.group_version_kind(item.section(_GVK), at=item) for item in items)
    return tuple(dict.fromkeys(gvk for gvk in found if gvk))


def references(place: Place | None, environ: Mapping[str, str]) -> tuple[Reference, ...]:
    """Read ``references``, a mapping by name."""
    members = place.members() if place else {}
    found = (reference(name, member, environ) for name, member in members.items())
    return tuple(one for one in found if one)


def glimpses(place: Place | None, environ: Mapping[str, str]) -> tuple[Glimpse, ...]:
    """Read the ``references`` of ``status``, a mapping by name."""
    members = place.members() if place else {}
    found = (_glimpse(name, member, environ) for name, member in members.items())
    return tuple(one for one in found if one)


def _glimpse(name: str, place: Place, environ: Mapping[str, str]) -> Glimpse | None:
    _check_name(name, place)
    section = place.section(_GLIMPSE_KEYS)
    gvk = values.group_version_kind(section, at=place)
    labels, when = (values.expression(values.required(section, key, at=place)) for key in ("labels", "when"))
    projection = values.expression(section.get("projection"))
    poll_seconds = values.duration(section.get("pollPeriod"), environ) or DEFAULT_POLL_SECONDS
    if gvk is None or labels is None or when is None:
        return None
    return Glimpse(
        name=name, gvk=gvk, labels=labels, when=when, projection=projection, poll_seconds=poll_seconds
    )


def _check_name(name: str, place: Place) -> None:
    if not _NAME.fullmatch(name):
        place.wrong(f"{name!r} is no name for a reference; use lower case letters, digits and _")


def reference(name: str, place: Place, environ: Mapping[str, str]) -> Reference | None:
    """Read one reference: its kind, how objects are found, what of them counts, how changes are noticed."""
    _check_name(name, place)
    section = place.section(_REFERENCE_KEYS)
    gvk = values.group_version_kind(section, at=place)
    names, labels = (values.expression(section.get(key)) for key in ("names", "labels"))
    every = values.boolean(section.get("every"))
    _one_finder(section, place, every=every)
    projection: Expression | None = values.expression(section.get("projection"))
    mode, poll_seconds = _reading(section, environ)
    if gvk is None:
        return None
    return Reference(
        name=name,
        gvk=gvk,
        names=names,
        labels=labels,
        every=bool(every),
        projection=projection,
        counts_when=values.expression(section.get("countsWhen")),
        mode=mode,
        poll_seconds=poll_seconds,
    )


def _one_finder(section: dict[str, Place], place: Place, *, every: bool | None) -> None:
    given = [key for key in _FINDERS if key in section]
    if len(given) != 1 and place.is_mapping():
        what = " and ".join(repr(key) for key in given) or "none of them"
        place.wrong(f"give exactly one of 'names', 'labels' and 'every'; given is {what}")
    elif every is False:
        section["every"].wrong("'every' can only be true; give 'names' or 'labels' instead")


def _reading(section: dict[str, Place], environ: Mapping[str, str]) -> tuple[ReadMode, float]:
    seconds = values.duration(section.get("pollPeriod"), environ)
    return _mode(section), seconds or DEFAULT_POLL_SECONDS


def _mode(section: dict[str, Place]) -> ReadMode:
    watch = values.boolean(section.get("watch"))
    if watch is not False:
        if "pollPeriod" in section:
            section["pollPeriod"].wrong("counts only with 'watch: false'; remove it, or add that")
        return ReadMode.WATCH
    if "names" not in section:
        section["watch"].wrong("without a watch, objects are read by name; give 'names'")
    return ReadMode.POLL

"""Reading a ``watches.yaml``: text to ``Watch`` records, or every problem with its line and key at once."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from playbook_engine.objects import GroupVersionKind
from playbook_engine.settings.choices import Compatibility
from playbook_engine.settings.table import Settings
from playbook_engine.watches import plays, theirs, values
from playbook_engine.watches.commands import commands
from playbook_engine.watches.derivations import status
from playbook_engine.watches.errors import WatchesFileError
from playbook_engine.watches.expanding import expanded
from playbook_engine.watches.kinds import kinds, owned_kinds, references
from playbook_engine.watches.labels import selector
from playbook_engine.watches.nodes import Place, Problems, closest, compose
from playbook_engine.watches.records import Watch
from playbook_engine.watches.searching import Places, places

DEFAULT_RECONCILE_SECONDS = 36_000.0
DEFAULT_RUN_TIMEOUT_SECONDS = 600.0

_SWITCH = re.compile(r"^compatibility:[ \t]*[\"']?(?P<word>[\w-]+)", re.MULTILINE)
_KEYS = (
    "group",
    "version",
    "kind",
    *plays.KEYS,
    "finalizer",
    "fieldManager",
    "reconcilePeriod",
    "runTimeout",
    "triggerAnnotations",
    "inProcessModules",
    "pauseAnnotation",
    "selector",
    "vars",
    "owns",
    "references",
    "apis",
    "status",
    "commands",
)
_ANNOTATION_FORM = "the name of an annotation such as example.com/reconcile-at"
_MANAGER = re.compile(r"[!-~]{1,128}")
_MODULE = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What settings say about a watches file: whose form it has, where roles are, and what entries need not say."""

    compatibility: Compatibility = Compatibility.NONE
    reconcile_seconds: float = DEFAULT_RECONCILE_SECONDS
    roles: str = ""
    collections: str = ""
    defaults: theirs.Defaults = field(default_factory=theirs.Defaults)

    @classmethod
    def by(cls, settings: Settings) -> "Given":
        """Take it from the settings."""
        return cls(
            compatibility=settings.compatibility,
            reconcile_seconds=settings.reconcile_seconds,
            roles=settings.ansible_roles_path,
            collections=settings.ansible_collections_path,
            defaults=theirs.Defaults(
                inject_owner=settings.inject_owner, most_runs=settings.max_concurrent_reconciles
            ),
        )

    @property
    def is_compatible(self) -> bool:
        """Whether the file has the form of ansible-operator."""
        return self.compatibility is Compatibility.ANSIBLE_OPERATOR


@dataclass(frozen=True, slots=True, kw_only=True)
class _Context:
    given: Given
    places: Places
    environ: Mapping[str, str]


def switch_of(path: Path) -> Compatibility | None:
    """Give what the file itself says about whose form it has; None when it says nothing or cannot be read."""
    try:
        found = _SWITCH.search(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
    words = tuple(Compatibility)
    return Compatibility(found["word"]) if found and found["word"] in words else None


def read_watches(
    path: Path, environ: Mapping[str, str] = os.environ, given: Given | None = None
) -> tuple[Watch, ...]:
    """Read the file at ``path``; ``environ`` is what ``${NAME}`` in variables stands for.

    Relative playbooks start at the file's directory; in a file of the form of ansible-operator, which the file itself
    or ``given`` says, at the working directory. Raises WatchesFileError with all problems.
    """
    given = given or Given()
    given = replace(given, compatibility=switch_of(path) or given.compatibility)
    problems = Problems(path)
    watches: tuple[Watch, ...] = ()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        problems.add(line=1, key="", what=f"cannot be read ({reason}); name the file with --watches-file")
    else:
        document = compose(expanded(text, environ) if given.is_compatible else text, problems)
        directory = Path.cwd() if given.is_compatible else path.parent
        found = places(directory, environ, roles=given.roles, collections=given.collections)
        context = _Context(given=given, places=found, environ=environ)
        watches = _entries(document, context) if document else ()
    if problems.found:
        raise WatchesFileError(tuple(problems.found))
    return watches


def _entries(document: Place, context: _Context) -> tuple[Watch, ...]:
    entries = document
    if document.is_mapping():
        section = document.section(("compatibility", "watches"))
        _check_switch(section.get("compatibility"))
        given = values.required(section, "watches", at=document)
        if given is None:
            return ()
        entries = given
    found: list[Watch] = []
    lines: dict[GroupVersionKind, int] = {}
    items = list(entries.items())
    if entries.is_list() and not items:
        entries.wrong("is empty; list at least one kind to watch")
    for item in items:
        watch = _entry(item, context)
        if watch and watch.gvk in lines:
            item.wrong(
                f"{watch.gvk} is watched already on line {lines[watch.gvk]}; remove one of the entries"
            )
        if watch:
            lines.setdefault(watch.gvk, item.line)
            found.append(watch)
    return tuple(found)


def _check_switch(place: Place | None) -> None:
    text = place.text() if place else None
    if place and text is not None and text not in tuple(Compatibility):
        place.wrong(f"{text!r} is not known; {closest(text, tuple(map(str, Compatibility)))}")


def _entry(place: Place, context: _Context) -> Watch | None:
    given, environ = context.given, context.environ
    known = (*_KEYS, *theirs.KEYS) if given.is_compatible else _KEYS
    section = place.section(known, hints={key: hint + theirs.SWITCH for key, hint in theirs.HINTS.items()})
    gvk = values.group_version_kind(section, at=place)
    playbook = plays.play(section, context.places, at=place)
    told = _told(section, playbook, context)
    form = "a field manager: at most 128 printable characters"
    manager = values.matching(section.get("fieldManager"), _MANAGER, form=form)
    if gvk is None:
        return None
    if given.is_compatible:
        told |= theirs.fields(section, gvk, environ, given.defaults, at=place)
    if playbook is None:
        return None
    return Watch(
        gvk=gvk, playbook=playbook, field_manager=manager or f"{gvk.kind.lower()}-playbook-engine", **told
    )


def _told(section: Mapping[str, Place], playbook: Path | None, context: _Context) -> dict[str, Any]:
    """Read what every entry can say, in whatever form the file is, as fields of ``Watch``."""
    environ, lenient = context.environ, context.given.is_compatible
    reconcile = values.duration(section.get("reconcilePeriod"), environ, zero=True)
    run_timeout = values.duration(section.get("runTimeout"), environ)
    form = "the full name of a module such as kubernetes.core.k8s"
    pause = values.matching(section.get("pauseAnnotation"), plays.NAME, form=_ANNOTATION_FORM)
    derived = status(section.get("status"), environ)
    return {
        "finalizer": plays.finalizer(
            section.get("finalizer"), playbook, context.places, environ, lenient=lenient
        ),
        "reconcile_seconds": context.given.reconcile_seconds if reconcile is None else reconcile,
        "run_timeout_seconds": run_timeout or DEFAULT_RUN_TIMEOUT_SECONDS,
        "trigger_annotations": _names(section.get("triggerAnnotations"), plays.NAME, form=_ANNOTATION_FORM),
        "in_process_modules": _names(section.get("inProcessModules"), _MODULE, form=form),
        "pause_annotation": pause or "",
        "selector": selector(section.get("selector")),
        "vars": values.variables(section.get("vars"), environ, reserved=not lenient),
        "owns": owned_kinds(section.get("owns"), environ),
        "references": references(section.get("references"), environ),
        "apis": kinds(section.get("apis")),
        "glimpses": derived.glimpses,
        "values": derived.values,
        "fields": derived.fields,
        "conditions": derived.conditions,
        "neutral": derived.neutral,
        "commands": commands(section.get("commands"), directory=context.places.directory),
    }


def _names(place: Place | None, pattern: re.Pattern[str], *, form: str) -> tuple[str, ...]:
    found = (values.matching(item, pattern, form=form) for item in (place.items() if place else ()))
    return tuple(name for name in found if name)

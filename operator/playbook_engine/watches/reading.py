"""Reading a ``watches.yaml``: text to ``Watch`` records, or every problem with its line and key at once."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from playbook_engine.objects import GroupVersionKind
from playbook_engine.watches import values
from playbook_engine.watches.commands import commands
from playbook_engine.watches.derivations import status
from playbook_engine.watches.errors import WatchesFileError
from playbook_engine.watches.kinds import kinds, owned_kinds, references
from playbook_engine.watches.nodes import Place, Problems, compose
from playbook_engine.watches.records import Finalizer, Watch

DEFAULT_RECONCILE_SECONDS = 36_000.0
DEFAULT_RUN_TIMEOUT_SECONDS = 600.0

_KEYS = (
    "group",
    "version",
    "kind",
    "playbook",
    "finalizer",
    "fieldManager",
    "reconcilePeriod",
    "runTimeout",
    "triggerAnnotations",
    "inProcessModules",
    "pauseAnnotation",
    "vars",
    "owns",
    "references",
    "apis",
    "status",
    "commands",
)
_FINALIZER_KEYS = ("name", "playbook", "vars")
_QUALIFIED = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_ANNOTATION = re.compile(rf"({_QUALIFIED.pattern})|[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_ANNOTATION_FORM = "the name of an annotation such as example.com/reconcile-at"
_MANAGER = re.compile(r"[!-~]{1,128}")
_MODULE = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")

_HINTS = {  # keys of ansible-operator that have no meaning here
    "role": "write a playbook that includes the role, and name it under 'playbook'",
    "manageStatus": "status is always managed; remove the key",
    "watchDependentResources": "list the kinds under 'owns'",
    "watchClusterScopedResources": "list the kinds under 'owns'",
    "watchAnnotationsChanges": "list the annotations under 'triggerAnnotations'",
    "snakeCaseParameters": "keys are never converted; remove the key",
    "markUnsafe": "resources are always unsafe; remove the key",
    "maxRunnerArtifacts": "no artifacts are kept; remove the key",
    "blacklist": "only the kinds under 'owns' and 'references' are watched; remove the key",
}


def read_watches(path: Path, environ: Mapping[str, str] = os.environ) -> tuple[Watch, ...]:
    """Read the file at ``path``; ``environ`` is what ``${NAME}`` in variables stands for.

    Relative playbooks start at the file's directory. Raises WatchesFileError with all problems.
    """
    problems = Problems(path)
    watches: tuple[Watch, ...] = ()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        problems.add(line=1, key="", what=f"cannot be read ({reason}); name the file with --watches-file")
    else:
        document = compose(text, problems)
        watches = _entries(document, directory=path.parent, environ=environ) if document else ()
    if problems.found:
        raise WatchesFileError(tuple(problems.found))
    return watches


def _entries(document: Place, *, directory: Path, environ: Mapping[str, str]) -> tuple[Watch, ...]:
    entries = document
    if document.is_mapping():
        given = values.required(document.section(("watches",)), "watches", at=document)
        if given is None:
            return ()
        entries = given
    found: list[Watch] = []
    lines: dict[GroupVersionKind, int] = {}
    items = list(entries.items())
    if entries.is_list() and not items:
        entries.wrong("is empty; list at least one kind to watch")
    for item in items:
        watch = _entry(item, directory=directory, environ=environ)
        if watch and watch.gvk in lines:
            item.wrong(
                f"{watch.gvk} is watched already on line {lines[watch.gvk]}; remove one of the entries"
            )
        if watch:
            lines.setdefault(watch.gvk, item.line)
            found.append(watch)
    return tuple(found)


def _entry(place: Place, *, directory: Path, environ: Mapping[str, str]) -> Watch | None:
    section = place.section(_KEYS, hints=_HINTS)
    gvk = values.group_version_kind(section, at=place)
    playbook = values.playbook(values.required(section, "playbook", at=place), directory=directory)
    finalizer = _finalizer(section.get("finalizer"), directory=directory, environ=environ)
    manager = values.matching(
        section.get("fieldManager"), _MANAGER, form="a field manager: at most 128 printable characters"
    )
    reconcile = values.duration(section.get("reconcilePeriod"), environ, zero=True)
    run_timeout = values.duration(section.get("runTimeout"), environ)
    annotations = _names(section.get("triggerAnnotations"), _ANNOTATION, form=_ANNOTATION_FORM)
    form = "the full name of a module such as kubernetes.core.k8s"
    modules = _names(section.get("inProcessModules"), _MODULE, form=form)
    pause = values.matching(section.get("pauseAnnotation"), _ANNOTATION, form=_ANNOTATION_FORM)
    variables = values.variables(section.get("vars"), environ)
    owns = owned_kinds(section.get("owns"), environ)
    refers = references(section.get("references"), environ)
    apis = kinds(section.get("apis"))
    derived = status(section.get("status"), environ)
    called = commands(section.get("commands"), directory=directory)
    if gvk is None or playbook is None:
        return None
    return Watch(
        gvk=gvk,
        playbook=playbook,
        field_manager=manager or f"{gvk.kind.lower()}-playbook-engine",
        finalizer=finalizer,
        reconcile_seconds=DEFAULT_RECONCILE_SECONDS if reconcile is None else reconcile,
        run_timeout_seconds=run_timeout or DEFAULT_RUN_TIMEOUT_SECONDS,
        trigger_annotations=annotations,
        in_process_modules=modules,
        pause_annotation=pause or "",
        vars=variables,
        owns=owns,
        references=refers,
        apis=apis,
        glimpses=derived.glimpses,
        values=derived.values,
        fields=derived.fields,
        conditions=derived.conditions,
        neutral=derived.neutral,
        commands=called,
    )


def _finalizer(place: Place | None, *, directory: Path, environ: Mapping[str, str]) -> Finalizer | None:
    if place is None:
        return None
    section = place.section(_FINALIZER_KEYS)
    form = "a finalizer such as example.com/finalizer"
    name = values.matching(values.required(section, "name", at=place), _QUALIFIED, form=form)
    playbook = values.playbook(values.required(section, "playbook", at=place), directory=directory)
    variables = values.variables(section.get("vars"), environ)
    if name is None or playbook is None:
        return None
    return Finalizer(name=name, playbook=playbook, vars=variables)


def _names(place: Place | None, pattern: re.Pattern[str], *, form: str) -> tuple[str, ...]:
    found = (values.matching(item, pattern, form=form) for item in (place.items() if place else ()))
    return tuple(name for name in found if name)

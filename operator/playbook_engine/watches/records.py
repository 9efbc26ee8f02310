"""What a ``watches.yaml`` says, as frozen records; ``reading`` makes them and reports errors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from playbook_engine.expressions import Expression
from playbook_engine.objects import GroupVersionKind
from playbook_engine.selectors import EVERYTHING, Selector
from playbook_engine.settings.choices import Compatibility


class ReadMode(StrEnum):
    """How the engine learns of changes of an owned or referenced kind."""

    WATCH = "watch"
    POLL = "poll"  # `get` by name every `poll_seconds`: for kinds that must not be listed, such as Secrets


class Shown(StrEnum):
    """What a person wants to see of a command."""

    PLAY = "play"  # what Ansible prints
    FILES = "files"  # what the playbook has written into the directory `output`


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A playbook that a person runs by name; ``help`` is one line about it."""

    name: str
    playbook: Path
    shows: Shown
    help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finalizer:
    """A finalizer and the playbook, or the directory of the role, that must succeed before it is removed."""

    name: str
    playbook: Path
    vars: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """How the fields of a resource's ``spec`` become variables of its runs.

    With ``snake_case`` their names are converted (``dbSize`` to ``db_size``), at every depth; with ``unsafe`` no text
    in them is ever a template.
    """

    snake_case: bool = True
    unsafe: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependents:
    """What becomes of objects that runs make by any module.

    With ``inject_owner`` they get an owner reference, or where they cannot have one the annotations of an owner. With
    ``watch`` their changes make the resource run again; those of ``cluster_scoped`` kinds only if that is set too.
    Objects of kinds that are ``ignored`` are left alone.
    """

    watch: bool = True
    cluster_scoped: bool = False
    ignored: tuple[GroupVersionKind, ...] = ()
    inject_owner: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedKind:
    """A kind whose objects the playbook makes.

    ``names`` is evaluated over ``{"resource": …}`` and gives names in the resource's namespace that are
    looked at whoever owns them. With ``POLL`` only these are found, and nothing but their metadata is read.
    ``inputs`` is evaluated over ``{"resource": …, "object": …}`` for every object: what runs depend on of its state.
    """

    gvk: GroupVersionKind
    names: Expression | None = None
    inputs: Expression | None = None
    mode: ReadMode = ReadMode.WATCH
    poll_seconds: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A kind that the resource refers to, and how to find the objects.

    Exactly one of ``names``, ``labels``, ``every`` is set; ``POLL`` goes with ``names`` only.

    ``names`` gives a list of names or of ``{namespace, name}`` (a missing namespace is the resource's own;
    nulls are skipped); ``labels`` gives a list of label maps, matched in the resource's own namespace;
    ``every`` takes all objects of the kind. ``counts_when`` is evaluated over ``{found, resource, owned}``; a run sees
    objects for which it does not hold, but is not made for their sake.
    """

    name: str
    gvk: GroupVersionKind
    names: Expression | None = None
    labels: Expression | None = None
    every: bool = False
    projection: Expression | None = None
    counts_when: Expression | None = None
    mode: ReadMode = ReadMode.WATCH
    poll_seconds: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpse:
    """Objects that only the status tells of. They are never watched, but listed from time to time while ``when`` holds.

    ``when`` is evaluated over ``{resource, owned}``; ``labels`` gives a list of label maps, matched in the resource's
    own namespace.
    """

    name: str
    gvk: GroupVersionKind
    labels: Expression
    when: Expression
    projection: Expression | None = None
    poll_seconds: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row of a decision table: when ``when`` is true (or None), this row is the answer."""

    when: Expression | None
    value: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedField:
    """A status field: an expression, or a table of cases with ``{"value": …}``; the first true one counts."""

    name: str
    expression: Expression | None = None
    cases: tuple[Case, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedCondition:
    """A condition by a table of cases; when none holds, the condition is not set.

    Each case has ``{"status", "reason"}`` and ``"message"`` (text) or ``"messageFrom"`` (an ``Expression``), and
    ``"degrades"`` when ``Degraded`` has to be true with it; it may have ``"reasonFrom"`` (an ``Expression``). With
    ``refines`` the playbook reports a condition of this type too, and the cases only speak while that is true; when
    none holds, it stays as the playbook said.
    """

    type: str
    cases: tuple[Case, ...]
    refines: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One entry of ``watches.yaml``. Durations are seconds; ``reconcile_seconds`` 0 switches resyncs off.

    ``playbook`` is what is run: the file of a playbook, or the directory of a role, which is run as a play of its own.
    ``parameters`` (None: none) make variables of the ``spec``; ``selector`` says by labels which resources are run;
    with ``watch_annotations`` every change of an annotation makes a run; ``dependents`` (None: nothing) is for objects
    that runs make by any module. Without ``manage_status`` no status is written. ``verbosity`` (None: the setting's) is
    how much Ansible tells, ``most_runs`` (0: no limit but the setting's) how many runs of the kind go on at once.

    ``apis`` are further kinds of which runs learn whether they are served; ``in_process_modules`` are modules,
    by full name, that warm runs need not start a process for; ``neutral`` are condition types of runs that say neither
    that all is well nor that it is not. ``values`` are for the
    expressions of ``conditions`` and ``fields``. As long as ``pause_annotation`` is ``"true"`` on a resource, it is not
    run.
    """

    gvk: GroupVersionKind
    playbook: Path
    field_manager: str
    finalizer: Finalizer | None = None
    reconcile_seconds: float = 36_000.0
    run_timeout_seconds: float = 600.0
    trigger_annotations: tuple[str, ...] = ()
    pause_annotation: str = ""
    vars: Mapping[str, object] = field(default_factory=dict)
    owns: tuple[OwnedKind, ...] = ()
    references: tuple[Reference, ...] = ()
    apis: tuple[GroupVersionKind, ...] = ()
    in_process_modules: tuple[str, ...] = ()
    glimpses: tuple[Glimpse, ...] = ()
    values: tuple[DerivedField, ...] = ()
    fields: tuple[DerivedField, ...] = ()
    conditions: tuple[DerivedCondition, ...] = ()
    neutral: tuple[str, ...] = ()
    commands: tuple[Command, ...] = ()
    compatibility: Compatibility = Compatibility.NONE
    parameters: Parameters | None = None
    selector: Selector = EVERYTHING
    watch_annotations: bool = False
    dependents: Dependents | None = None
    manage_status: bool = True
    verbosity: int | None = None
    most_runs: int = 0

    @property
    def is_compatible(self) -> bool:
        """Whether runs and status are those of ansible-operator."""
        return self.compatibility is Compatibility.ANSIBLE_OPERATOR

"""Every setting of the engine, each described in one place: name, type, flag, variable, default, form and meaning.

The command line and the reference documentation are made from this table.
"""

from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated, get_type_hints

from playbook_engine.settings import forms
from playbook_engine.settings.choices import Compatibility, Executors, LogFormat, LogLevel, Traces
from playbook_engine.settings.forms import Address, Form


@dataclass(frozen=True, slots=True)
class Flag:
    """How a setting is given: by a flag, or by the environment variable that is named after it, or by ``variable``.

    ``default`` is as a person would give it; ``theirs`` is that of ansible-operator where it is another one, which
    holds with ``--compatibility``.
    """

    name: str
    default: str
    form: Form
    _: KW_ONLY
    theirs: str | None = None
    variable: str = ""

    def __post_init__(self) -> None:
        """Name the variable after the flag, where it has no other name."""
        usual = "PLAYBOOK_ENGINE_" + self.name.removeprefix("--").upper().replace("-", "_")
        object.__setattr__(self, "variable", self.variable or usual)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One row of the table; ``name`` is the attribute of ``Settings``."""

    name: str
    flag: Flag
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the engine was told: each with how it is given, and what it means. Durations are seconds."""

    compatibility: Annotated[
        Compatibility,
        Flag("--compatibility", "none", forms.word(Compatibility)),
        "ansible-operator runs a project that was written for it, unchanged.",
    ]
    watches_file: Annotated[
        Path,
        Flag("--watches-file", "watches.yaml", forms.FILE),
        "The file that says which kinds are watched and which playbook reconciles each.",
    ]
    namespaces: Annotated[
        tuple[str, ...],
        Flag("--namespaces", "", forms.NAMESPACES, variable="WATCH_NAMESPACE"),
        "The namespaces that are watched; empty for all of them.",
    ]
    reconcile_seconds: Annotated[
        float,
        Flag("--reconcile-period", "10h", forms.DURATION),
        "The reconcilePeriod of entries of the watches file that give none.",
    ]
    max_concurrent_runs: Annotated[
        int,
        Flag("--max-concurrent-runs", "0", forms.whole_number("runs", least=0, most=1000)),
        "How many playbooks run at once, over all kinds; 0 for one per processor core.",
    ]
    max_concurrent_runs_per_namespace: Annotated[
        int,
        Flag("--max-concurrent-runs-per-namespace", "0", forms.whole_number("runs", least=0, most=1000)),
        "How many of them may be for resources of one namespace; 0 for all.",
    ]
    max_concurrent_reconciles: Annotated[
        int,
        Flag("--max-concurrent-reconciles", "0", forms.whole_number("runs", least=0, most=1000)),
        "How many of them may be for resources of one kind; 0 for all.",
    ]
    executor: Annotated[
        Executors,
        Flag("--executor", "auto", forms.word(Executors)),
        "auto forks runs from a process that has loaded Ansible; cold starts Ansible for each run.",
    ]
    run_memory_bytes: Annotated[
        int,
        Flag("--run-memory-limit", "512Mi", forms.SIZE),
        "How much memory all processes of one run may use together (PSS, looked at twice a second) before "
        "the run is ended; 0 for no limit.",
    ]
    run_open_files: Annotated[
        int,
        Flag("--run-open-files", "1024", forms.whole_number("files", least=64, most=1_000_000)),
        "How many files each process of a run may have open.",
    ]
    runs_per_server: Annotated[
        int,
        Flag("--runs-per-server", "500", forms.whole_number("runs", least=1, most=1_000_000)),
        "After how many runs the process that warm runs are forked from is replaced by a new one.",
    ]
    content_seconds: Annotated[
        float,
        Flag("--content-period", "10s", forms.POSITIVE_DURATION),
        "How often it is looked whether playbooks, roles, plugins, collections or CA files have changed.",
    ]
    compare_seconds: Annotated[
        float,
        Flag("--compare-period", "5m", forms.POSITIVE_DURATION),
        "How often known names are compared with the API server's, to find missed deletions.",
    ]
    backoff_base_seconds: Annotated[
        float,
        Flag("--backoff-base", "2s", forms.POSITIVE_DURATION),
        "The wait before the first retry after a failure; it doubles with each further failure.",
    ]
    backoff_max_seconds: Annotated[
        float, Flag("--backoff-max", "5m", forms.POSITIVE_DURATION), "The longest wait between two retries."
    ]
    graceful_shutdown_seconds: Annotated[
        float,
        Flag("--graceful-shutdown-timeout", "30s", forms.DURATION),
        "How long playbooks that run at the stop may take to end before they are killed.",
    ]
    log_format: Annotated[
        LogFormat,
        Flag("--log-format", "auto", forms.word(LogFormat)),
        "How log lines look; auto is text on a terminal and json everywhere else.",
    ]
    log_level: Annotated[
        LogLevel,
        Flag("--log-level", "info", forms.word(LogLevel)),
        "From which severity on lines are logged; debug shows every task.",
    ]
    traces: Annotated[
        Traces,
        Flag("--traces", "off", forms.word(Traces)),
        "otlp sends a trace of each pass by OTLP over HTTP, as the variables OTEL_* say; it needs the "
        "packages of the extra `traces`.",
    ]
    probe_address: Annotated[
        Address | None,
        Flag("--health-probe-bind-address", "0.0.0.0:8081", forms.ADDRESS, theirs=":6789"),
        "Where /healthz and /readyz are served.",
    ]
    metrics_address: Annotated[
        Address | None,
        Flag("--metrics-bind-address", "0.0.0.0:8080", forms.ADDRESS, theirs=":8443"),
        "Where /metrics is served; it may be the address of the probes.",
    ]
    runs_directory: Annotated[
        Path | None,
        Flag("--runs-directory", "", forms.OPTIONAL_PATH),
        "Where the private directories of runs are made; empty for a new one under TMPDIR. "
        "At most 48 characters: Ansible opens Unix sockets below it.",
    ]
    message_bound: Annotated[
        int,
        Flag("--message-bound", "1024", forms.whole_number("characters", least=64, most=32768)),
        "The longest message of a condition; longer ones are cut. Kubernetes allows 32768.",
    ]
    ansible_verbosity: Annotated[
        int,
        Flag(
            "--ansible-verbosity",
            "0",
            forms.whole_number("level", least=0, most=7),
            variable="ANSIBLE_VERBOSITY",
            theirs="2",
        ),
        "How much Ansible tells about each task, as that many -v would.",
    ]
    ansible_roles_path: Annotated[
        str,
        Flag("--ansible-roles-path", "", forms.TEXT, variable="ANSIBLE_ROLES_PATH"),
        "Where roles are looked for, as Ansible's setting of that name has it.",
    ]
    ansible_collections_path: Annotated[
        str,
        Flag("--ansible-collections-path", "", forms.TEXT, variable="ANSIBLE_COLLECTIONS_PATH"),
        "Where collections are looked for, as Ansible's setting of that name has it.",
    ]
    ansible_arguments: Annotated[
        tuple[str, ...],
        Flag("--ansible-args", "", forms.WORDS),
        "Further arguments of ansible-playbook for every run, quoted as for a shell.",
    ]
    inject_owner: Annotated[
        bool,
        Flag("--inject-owner-ref", "true", forms.SWITCH),
        "Whether objects that runs make get an owner; with the compatibility with ansible-operator only.",
    ]
    leader_elect: Annotated[
        bool,
        Flag("--leader-elect", "false", forms.SWITCH),
        "Whether this is one of several processes of which one works at a time: that which has the Lease.",
    ]
    leader_election_id: Annotated[
        str, Flag("--leader-election-id", "playbook-engine", forms.SUBDOMAIN), "The name of the Lease."
    ]
    leader_election_namespace: Annotated[
        str,
        Flag("--leader-election-namespace", "", forms.OPTIONAL_LABEL),
        "The namespace of the Lease; empty for that of the pod.",
    ]
    lease_seconds: Annotated[
        float,
        Flag("--leader-elect-lease-duration", "15s", forms.POSITIVE_DURATION),
        "How long a Lease that is not renewed any more must have stood before another process takes it.",
    ]
    renew_deadline_seconds: Annotated[
        float,
        Flag("--leader-elect-renew-deadline", "10s", forms.POSITIVE_DURATION),
        "How long after its last renewal a process may still write; then its runs are killed.",
    ]
    retry_seconds: Annotated[
        float,
        Flag("--leader-elect-retry-period", "2s", forms.POSITIVE_DURATION),
        "How often the Lease is renewed, or looked at by those that wait for it.",
    ]


def _rows() -> tuple[Setting, ...]:
    hints = get_type_hints(Settings, include_extras=True)
    rows = ((name, *hint.__metadata__) for name, hint in hints.items())
    return tuple(Setting(name=name, flag=flag, meaning=meaning) for name, flag, meaning in rows)


SETTINGS = _rows()
"""The table, row by row."""

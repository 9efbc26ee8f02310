"""Every setting of the engine: one row each with default, unit, environment variable and flag.

``SETTINGS`` is the table that the command line and the reference documentation are made from;
``read_settings`` turns what was given into the frozen ``Settings``. A flag goes before its environment
variable, which goes before the default.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path

from playbook_engine import forms
from playbook_engine.forms import Address, Form


class SettingsError(ValueError):
    """Settings that cannot be used; ``problems`` has one line for each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        """Keep every problem, so that all are reported at once."""
        super().__init__("\n".join(problems))
        self.problems = problems


class LogFormat(StrEnum):
    """How log lines look; ``auto`` is text on a terminal and JSON everywhere else."""

    AUTO = "auto"
    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """From which severity on lines are logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Traces(StrEnum):
    """Whether passes are traced, and how spans are sent."""

    OFF = "off"
    OTLP = "otlp"


class Executors(StrEnum):
    """How playbooks are run; ``auto`` is warm where Ansible is of a tested version, else cold."""

    AUTO = "auto"
    COLD = "cold"


class Compatibility(StrEnum):
    """Whose watches file, variables, status and defaults these are."""

    NONE = "none"  # this engine's own
    ANSIBLE_OPERATOR = "ansible-operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the engine was told. Durations are seconds; what each setting means is said in ``SETTINGS``."""

    compatibility: Compatibility
    watches_file: Path
    namespaces: tuple[str, ...]
    reconcile_seconds: float
    max_concurrent_runs: int
    max_concurrent_runs_per_namespace: int
    max_concurrent_reconciles: int
    executor: Executors
    run_memory_bytes: int
    run_open_files: int
    runs_per_server: int
    content_seconds: float
    compare_seconds: float
    backoff_base_seconds: float
    backoff_max_seconds: float
    graceful_shutdown_seconds: float
    log_format: LogFormat
    log_level: LogLevel
    traces: Traces
    probe_address: Address | None
    metrics_address: Address | None
    runs_directory: Path | None
    message_bound: int
    ansible_verbosity: int
    ansible_roles_path: str
    ansible_collections_path: str
    ansible_arguments: tuple[str, ...]
    inject_owner: bool
    leader_elect: bool
    leader_election_id: str
    leader_election_namespace: str
    lease_seconds: float
    renew_deadline_seconds: float
    retry_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One row: ``name`` is the attribute of ``Settings``, ``default`` is as a person would give it.

    ``theirs`` is the default of ansible-operator where it is another one; it holds with ``--compatibility``.
    """

    name: str
    variable: str
    flag: str
    default: str
    form: Form
    description: str
    theirs: str | None = None


SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="compatibility",
        variable="PLAYBOOK_ENGINE_COMPATIBILITY",
        flag="--compatibility",
        default="none",
        form=forms.word(Compatibility),
        description="ansible-operator runs a project that was written for it, unchanged.",
    ),
    Setting(
        name="watches_file",
        variable="PLAYBOOK_ENGINE_WATCHES_FILE",
        flag="--watches-file",
        default="watches.yaml",
        form=forms.FILE,
        description="The file that says which kinds are watched and which playbook reconciles each.",
    ),
    Setting(
        name="namespaces",
        variable="WATCH_NAMESPACE",
        flag="--namespaces",
        default="",
        form=forms.NAMESPACES,
        description="The namespaces that are watched; empty for all of them.",
    ),
    Setting(
        name="reconcile_seconds",
        variable="PLAYBOOK_ENGINE_RECONCILE_PERIOD",
        flag="--reconcile-period",
        default="10h",
        form=forms.DURATION,
        description="The reconcilePeriod of entries of the watches file that give none.",
    ),
    Setting(
        name="max_concurrent_runs",
        variable="PLAYBOOK_ENGINE_MAX_CONCURRENT_RUNS",
        flag="--max-concurrent-runs",
        default="0",
        form=forms.whole_number("runs", least=0, most=1000),
        description="How many playbooks run at once, over all kinds; 0 for one per processor core.",
    ),
    Setting(
        name="max_concurrent_runs_per_namespace",
        variable="PLAYBOOK_ENGINE_MAX_CONCURRENT_RUNS_PER_NAMESPACE",
        flag="--max-concurrent-runs-per-namespace",
        default="0",
        form=forms.whole_number("runs", least=0, most=1000),
        description="How many of them may be for resources of one namespace; 0 for all.",
    ),
    Setting(
        name="max_concurrent_reconciles",
        variable="PLAYBOOK_ENGINE_MAX_CONCURRENT_RECONCILES",
        flag="--max-concurrent-reconciles",
        default="0",
        form=forms.whole_number("runs", least=0, most=1000),
        description="How many of them may be for resources of one kind; 0 for all.",
    ),
    Setting(
        name="executor",
        variable="PLAYBOOK_ENGINE_EXECUTOR",
        flag="--executor",
        default="auto",
        form=forms.word(Executors),
        description="auto forks runs from a process that has loaded Ansible; cold starts Ansible for each run.",
    ),
    Setting(
        name="run_memory_bytes",
        variable="PLAYBOOK_ENGINE_RUN_MEMORY_LIMIT",
        flag="--run-memory-limit",
        default="512Mi",
        form=forms.SIZE,
        description="How much memory all processes of one run may use together (PSS, looked at twice a second) before "
        "the run is ended; 0 for no limit.",
    ),
    Setting(
        name="run_open_files",
        variable="PLAYBOOK_ENGINE_RUN_OPEN_FILES",
        flag="--run-open-files",
        default="1024",
        form=forms.whole_number("files", least=64, most=1_000_000),
        description="How many files each process of a run may have open.",
    ),
    Setting(
        name="runs_per_server",
        variable="PLAYBOOK_ENGINE_RUNS_PER_SERVER",
        flag="--runs-per-server",
        default="500",
        form=forms.whole_number("runs", least=1, most=1_000_000),
        description="After how many runs the process that warm runs are forked from is replaced by a new one.",
    ),
    Setting(
        name="content_seconds",
        variable="PLAYBOOK_ENGINE_CONTENT_PERIOD",
        flag="--content-period",
        default="10s",
        form=forms.POSITIVE_DURATION,
        description="How often it is looked whether playbooks, roles, plugins, collections or CA files have changed.",
    ),
    Setting(
        name="compare_seconds",
        variable="PLAYBOOK_ENGINE_COMPARE_PERIOD",
        flag="--compare-period",
        default="5m",
        form=forms.POSITIVE_DURATION,
        description="How often known names are compared with the API server's, to find missed deletions.",
    ),
    Setting(
        name="backoff_base_seconds",
        variable="PLAYBOOK_ENGINE_BACKOFF_BASE",
        flag="--backoff-base",
        default="2s",
        form=forms.POSITIVE_DURATION,
        description="The wait before the first retry after a failure; it doubles with each further failure.",
    ),
    Setting(
        name="backoff_max_seconds",
        variable="PLAYBOOK_ENGINE_BACKOFF_MAX",
        flag="--backoff-max",
        default="5m",
        form=forms.POSITIVE_DURATION,
        description="The longest wait between two retries.",
    ),
    Setting(
        name="graceful_shutdown_seconds",
        variable="PLAYBOOK_ENGINE_GRACEFUL_SHUTDOWN_TIMEOUT",
        flag="--graceful-shutdown-timeout",
        default="30s",
        form=forms.DURATION,
        description="How long playbooks that run at the stop may take to end before they are killed.",
    ),
    Setting(
        name="log_format",
        variable="PLAYBOOK_ENGINE_LOG_FORMAT",
        flag="--log-format",
        default="auto",
        form=forms.word(LogFormat),
        description="How log lines look; auto is text on a terminal and json everywhere else.",
    ),
    Setting(
        name="log_level",
        variable="PLAYBOOK_ENGINE_LOG_LEVEL",
        flag="--log-level",
        default="info",
        form=forms.word(LogLevel),
        description="From which severity on lines are logged; debug shows every task.",
    ),
    Setting(
        name="traces",
        variable="PLAYBOOK_ENGINE_TRACES",
        flag="--traces",
        default="off",
        form=forms.word(Traces),
        description="otlp sends a trace of each pass by OTLP over HTTP, as the variables OTEL_* say; it needs the "
        "packages of the extra `traces`.",
    ),
    Setting(
        name="probe_address",
        variable="PLAYBOOK_ENGINE_HEALTH_PROBE_BIND_ADDRESS",
        flag="--health-probe-bind-address",
        default="0.0.0.0:8081",
        theirs=":6789",
        form=forms.ADDRESS,
        description="Where /healthz and /readyz are served.",
    ),
    Setting(
        name="metrics_address",
        variable="PLAYBOOK_ENGINE_METRICS_BIND_ADDRESS",
        flag="--metrics-bind-address",
        default="0.0.0.0:8080",
        theirs=":8443",
        form=forms.ADDRESS,
        description="Where /metrics is served; it may be the address of the probes.",
    ),
    Setting(
        name="runs_directory",
        variable="PLAYBOOK_ENGINE_RUNS_DIRECTORY",
        flag="--runs-directory",
        default="",
        form=forms.OPTIONAL_PATH,
        description="Where the private directories of runs are made; empty for a new one under TMPDIR. "
        "At most 48 characters: Ansible opens Unix sockets below it.",
    ),
    Setting(
        name="message_bound",
        variable="PLAYBOOK_ENGINE_MESSAGE_BOUND",
        flag="--message-bound",
        default="1024",
        form=forms.whole_number("characters", least=64, most=32768),
        description="The longest message of a condition; longer ones are cut. Kubernetes allows 32768.",
    ),
    Setting(
        name="ansible_verbosity",
        variable="ANSIBLE_VERBOSITY",
        flag="--ansible-verbosity",
        default="0",
        theirs="2",
        form=forms.whole_number("level", least=0, most=7),
        description="How much Ansible tells about each task, as that many -v would.",
    ),
    Setting(
        name="ansible_roles_path",
        variable="ANSIBLE_ROLES_PATH",
        flag="--ansible-roles-path",
        default="",
        form=forms.TEXT,
        description="Where roles are looked for, as Ansible's setting of that name has it.",
    ),
    Setting(
        name="ansible_collections_path",
        variable="ANSIBLE_COLLECTIONS_PATH",
        flag="--ansible-collections-path",
        default="",
        form=forms.TEXT,
        description="Where collections are looked for, as Ansible's setting of that name has it.",
    ),
    Setting(
        name="ansible_arguments",
        variable="PLAYBOOK_ENGINE_ANSIBLE_ARGS",
        flag="--ansible-args",
        default="",
        form=forms.WORDS,
        description="Further arguments of ansible-playbook for every run, quoted as for a shell.",
    ),
    Setting(
        name="inject_owner",
        variable="PLAYBOOK_ENGINE_INJECT_OWNER_REF",
        flag="--inject-owner-ref",
        default="true",
        form=forms.SWITCH,
        description="Whether objects that runs make get an owner; with the compatibility with ansible-operator only.",
    ),
    Setting(
        name="leader_elect",
        variable="PLAYBOOK_ENGINE_LEADER_ELECT",
        flag="--leader-elect",
        default="false",
        form=forms.SWITCH,
        description="Whether this is one of several processes of which one works at a time: that which has the Lease.",
    ),
    Setting(
        name="leader_election_id",
        variable="PLAYBOOK_ENGINE_LEADER_ELECTION_ID",
        flag="--leader-election-id",
        default="playbook-engine",
        form=forms.SUBDOMAIN,
        description="The name of the Lease.",
    ),
    Setting(
        name="leader_election_namespace",
        variable="PLAYBOOK_ENGINE_LEADER_ELECTION_NAMESPACE",
        flag="--leader-election-namespace",
        default="",
        form=forms.OPTIONAL_LABEL,
        description="The namespace of the Lease; empty for that of the pod.",
    ),
    Setting(
        name="lease_seconds",
        variable="PLAYBOOK_ENGINE_LEADER_ELECT_LEASE_DURATION",
        flag="--leader-elect-lease-duration",
        default="15s",
        form=forms.POSITIVE_DURATION,
        description="How long a Lease that is not renewed any more must have stood before another process takes it.",
    ),
    Setting(
        name="renew_deadline_seconds",
        variable="PLAYBOOK_ENGINE_LEADER_ELECT_RENEW_DEADLINE",
        flag="--leader-elect-renew-deadline",
        default="10s",
        form=forms.POSITIVE_DURATION,
        description="How long after its last renewal a process may still write; then its runs are killed.",
    ),
    Setting(
        name="retry_seconds",
        variable="PLAYBOOK_ENGINE_LEADER_ELECT_RETRY_PERIOD",
        flag="--leader-elect-retry-period",
        default="2s",
        form=forms.POSITIVE_DURATION,
        description="How often the Lease is renewed, or looked at by those that wait for it.",
    ),
)


@dataclass(frozen=True, slots=True)
class _Order:
    """Two durations of which one may not be longer than the other, nor as long when ``strict``."""

    shorter: str
    longer: str
    strict: bool = False


_BY_NAME = {setting.name: setting for setting in SETTINGS}
_ORDERS = (
    _Order("backoff_base_seconds", "backoff_max_seconds"),
    _Order("renew_deadline_seconds", "lease_seconds", strict=True),  # between them is the time to kill runs
    _Order("retry_seconds", "renew_deadline_seconds", strict=True),
)


def read_settings(environ: Mapping[str, str], flags: Mapping[str, str] | None = None) -> Settings:
    """Read every setting; ``flags`` has the values of the flags that were given, by the setting's name.

    Raises SettingsError that names each bad value, the flag or variable it came from and the allowed form.
    """
    values: dict[str, object] = {}
    problems: list[str] = []
    for setting in SETTINGS:  # the first row says which defaults the others have
        compatible = values.get("compatibility") is Compatibility.ANSIBLE_OPERATOR
        source, text = _given(setting, environ, flags or {}, compatible=compatible)
        try:
            values[setting.name] = setting.form.parse(text)
        except ValueError:
            problems.append(f"{source}: {text!r} is not allowed; give {setting.form.allowed}")
    if not problems:
        problems = [problem for problem in (_out_of_order(rule, values) for rule in _ORDERS) if problem]
    if problems:
        raise SettingsError(tuple(problems))
    values["max_concurrent_runs"] = values["max_concurrent_runs"] or max(
        _cores(), int(str(values["max_concurrent_reconciles"]))
    )
    return Settings(**{field.name: values[field.name] for field in fields(Settings)})  # type: ignore[arg-type]


def _given(
    setting: Setting, environ: Mapping[str, str], flags: Mapping[str, str], *, compatible: bool
) -> tuple[str, str]:
    if setting.name in flags:
        return setting.flag, flags[setting.name]
    if setting.variable in environ:
        return setting.variable, environ[setting.variable]
    return "default", setting.theirs if compatible and setting.theirs is not None else setting.default


def _out_of_order(order: _Order, values: Mapping[str, object]) -> str:
    short, long = values[order.shorter], values[order.longer]
    assert isinstance(short, float) and isinstance(long, float)  # noqa: S101, PT018 - durations
    if short < long or (short == long and not order.strict):
        return ""
    flags = _BY_NAME[order.shorter].flag, _BY_NAME[order.longer].flag
    return f"{flags[0]} is {'not shorter' if order.strict else 'longer'} than {flags[1]}; give a shorter one"


def _cores() -> int:
    return len(os.sched_getaffinity(0))

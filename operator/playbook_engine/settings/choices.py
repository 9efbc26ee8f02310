"""The words of settings that are a choice of words."""

from enum import StrEnum


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

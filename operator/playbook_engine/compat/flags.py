"""Flags and variables of ansible-operator that this engine has under another name, or has no use for."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """Another name of a setting; ``words`` translates what is given, where it is other words."""

    flag: str
    setting: str
    words: Mapping[str, str] = field(default_factory=dict)
    alone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaningless:
    """A flag that is taken and does nothing; ``why`` is told in the log."""

    flag: str
    why: str


ALIASES = (
    Alias(flag="--metrics-addr", setting="metrics_address"),
    Alias(flag="--enable-leader-election", setting="leader_elect", alone="true"),
    Alias(flag="--zap-log-level", setting="log_level", words={"panic": "error"}),
    Alias(flag="--zap-encoder", setting="log_format", words={"console": "text"}),
)
MEANINGLESS = (
    Meaningless(
        flag="--metrics-secure", why="metrics are served as plain HTTP; keep others away by a NetworkPolicy"
    ),
    Meaningless(flag="--metrics-require-rbac", why="metrics are open; keep others away by a NetworkPolicy"),
    Meaningless(flag="--leader-elect-resource-lock", why="the lock is always a Lease"),
    Meaningless(flag="--ansible-log-events", why="each task is logged with --log-level debug"),
    Meaningless(flag="--proxy-port", why="each run finds its proxy by the kubeconfig that it is given"),
    Meaningless(flag="--enable-http2", why="metrics and probes are served by HTTP/1.1"),
    Meaningless(flag="--zap-devel", why="say --log-level debug or --log-format text"),
    Meaningless(flag="--zap-stacktrace-level", why="errors of the engine itself always have their trace"),
    Meaningless(flag="--zap-time-encoding", why="times are always RFC 3339"),
)
_PREFIX = "theirs:"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Let a parser take them; they are not shown by ``--help``, which is of this engine."""
    for alias in ALIASES:
        parser.add_argument(
            alias.flag,
            dest=_PREFIX + alias.flag,
            nargs=None if alias.alone is None else "?",
            const=alias.alone,
            help=argparse.SUPPRESS,
        )
    for one in MEANINGLESS:
        parser.add_argument(
            one.flag, dest=_PREFIX + one.flag, nargs="?", const="true", help=argparse.SUPPRESS
        )


def taken(given: Mapping[str, str | None]) -> tuple[dict[str, str], list[str]]:
    """Give settings by name, the engine's own flags first, and a line for each flag that does nothing."""
    values = ((alias, given.get(_PREFIX + alias.flag)) for alias in ALIASES)
    renamed = {alias.setting: _translated(alias, text) for alias, text in values if text is not None}
    own = {name: text for name, text in given.items() if not name.startswith(_PREFIX) and text is not None}
    told = [
        f"{one.flag} does nothing here: {one.why}" for one in MEANINGLESS if given.get(_PREFIX + one.flag)
    ]
    return {**renamed, **own}, told


def by_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the settings that variables of ansible-operator stand for; flags go before them."""
    found = {}
    if environ.get("OPERATOR_NAME"):
        found["leader_election_id"] = environ["OPERATOR_NAME"]
    if environ.get("ANSIBLE_DEBUG_LOGS", "").lower() in ("true", "1", "t"):
        found["log_level"] = "debug"
    return found


def _translated(alias: Alias, text: str) -> str:
    if alias.setting == "log_level" and text.isdecimal():
        return "debug"  # zap takes a number for how much more than info
    return alias.words.get(text, text)

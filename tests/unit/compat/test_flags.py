"""Every flag and variable of ansible-operator is taken, with its meaning or with a word about why it has none."""

import argparse

import pytest

from playbook_engine.cli import _parser
from playbook_engine.compat.flags import MEANINGLESS, by_environment, taken
from playbook_engine.settings.choices import Compatibility
from playbook_engine.settings.forms import Address
from playbook_engine.settings.reading import read_settings
from playbook_engine.settings.table import Settings

THEIRS = {"compatibility": Compatibility.ANSIBLE_OPERATOR.value}
EVERY_FLAG = [
    "--watches-file=./watches.yaml",
    "--inject-owner-ref=true",
    "--ansible-verbosity=2",
    "--ansible-roles-path=/r",
    "--ansible-collections-path=/c",
    "--ansible-args=--flush-cache",
    "--reconcile-period=10h",
    "--max-concurrent-reconciles=4",
    "--metrics-bind-address=:8443",
    "--metrics-addr=:8443",
    "--metrics-secure=true",
    "--metrics-require-rbac",
    "--health-probe-bind-address=:6789",
    "--leader-elect",
    "--enable-leader-election",
    "--leader-election-id=0a1b.example.com",
    "--leader-election-namespace=ns",
    "--leader-elect-lease-duration=15s",
    "--leader-elect-renew-deadline=10s",
    "--leader-elect-resource-lock=leases",
    "--graceful-shutdown-timeout=30s",
    "--ansible-log-events=Everything",
    "--proxy-port=8888",
    "--enable-http2",
    "--zap-log-level=debug",
    "--zap-encoder=console",
    "--zap-devel=true",
    "--zap-stacktrace-level=error",
    "--zap-time-encoding=rfc3339",
]


def parsed(*words: str) -> tuple[Settings, list[str]]:
    given = vars(_parser(()).parse_args(["run", *words]))
    given.pop("command")
    values, told = taken(given)
    return read_settings({}, {**THEIRS, **values}), told


def test_every_flag_is_taken() -> None:
    settings, _ = parsed(*EVERY_FLAG)
    assert settings.leader_elect
    assert settings.leader_election_id == "0a1b.example.com"
    assert settings.max_concurrent_reconciles == 4
    assert settings.ansible_arguments == ("--flush-cache",)


def test_a_flag_that_does_nothing_is_told_with_the_reason() -> None:
    _, told = parsed(*EVERY_FLAG)
    assert told == [f"{one.flag} does nothing here: {one.why}" for one in MEANINGLESS]


def test_with_the_compatibility_defaults_are_theirs() -> None:
    settings, _ = parsed()
    assert settings.probe_address == Address(host="0.0.0.0", port=6789)  # noqa: S104 - the kubelet probes
    assert settings.metrics_address == Address(host="0.0.0.0", port=8443)  # noqa: S104 - Prometheus scrapes
    assert (settings.ansible_verbosity, settings.reconcile_seconds) == (2, 36_000.0)


@pytest.mark.parametrize(
    ("flag", "name", "value"),
    [
        ("--metrics-addr=127.0.0.1:1", "metrics_address", Address(host="127.0.0.1", port=1)),
        ("--enable-leader-election", "leader_elect", True),
        ("--zap-log-level=debug", "log_level", "debug"),
        ("--zap-log-level=5", "log_level", "debug"),
        ("--zap-log-level=panic", "log_level", "error"),
        ("--zap-encoder=console", "log_format", "text"),
        ("--zap-encoder=json", "log_format", "json"),
    ],
)
def test_another_name_of_a_flag_means_the_same(flag: str, name: str, value: object) -> None:
    settings, _ = parsed(flag)
    assert getattr(settings, name) == value


def test_the_newer_name_of_a_flag_goes_before_the_older() -> None:
    settings, _ = parsed("--metrics-bind-address=:1", "--metrics-addr=:2")
    assert settings.metrics_address == Address(host="0.0.0.0", port=1)  # noqa: S104


def test_the_help_shows_only_flags_of_this_engine(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        _parser(()).parse_args(["run", "--help"])
    assert "zap" not in capsys.readouterr().out


def test_variables_of_theirs_stand_for_settings() -> None:
    environ = {"OPERATOR_NAME": "pots", "ANSIBLE_DEBUG_LOGS": "True"}
    assert by_environment(environ) == {"leader_election_id": "pots", "log_level": "debug"}
    assert by_environment({"ANSIBLE_DEBUG_LOGS": "false"}) == {}


def test_the_limit_of_a_kind_is_never_above_that_of_all_kinds() -> None:
    settings, _ = parsed("--max-concurrent-reconciles=64")
    assert settings.max_concurrent_runs == 64


def test_an_argument_that_is_no_flag_is_refused() -> None:
    with pytest.raises((SystemExit, argparse.ArgumentError)):
        parsed("--no-such-flag")

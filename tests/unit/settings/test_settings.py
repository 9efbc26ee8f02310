"""Settings come from flags, then from variables, then from defaults; a bad one is named with its source."""

import os
from pathlib import Path

import pytest

from playbook_engine.settings.choices import Compatibility, Executors, LogFormat, LogLevel, Traces
from playbook_engine.settings.forms import Address
from playbook_engine.settings.reading import SettingsError, read_settings
from playbook_engine.settings.table import SETTINGS, Setting, Settings


def test_without_anything_given_every_setting_has_its_default() -> None:
    assert read_settings({}) == Settings(
        compatibility=Compatibility.NONE,
        watches_file=Path("watches.yaml"),
        namespaces=(),
        reconcile_seconds=36_000.0,
        max_concurrent_runs=len(os.sched_getaffinity(0)),
        max_concurrent_runs_per_namespace=0,
        max_concurrent_reconciles=0,
        run_memory_bytes=512 * 2**20,
        run_open_files=1024,
        runs_per_server=500,
        content_seconds=10.0,
        compare_seconds=300.0,
        backoff_base_seconds=2.0,
        backoff_max_seconds=300.0,
        graceful_shutdown_seconds=30.0,
        log_format=LogFormat.AUTO,
        log_level=LogLevel.INFO,
        traces=Traces.OFF,
        probe_address=Address(host="0.0.0.0", port=8081),  # noqa: S104 - the kubelet probes from outside
        metrics_address=Address(host="0.0.0.0", port=8080),  # noqa: S104 - Prometheus scrapes from outside
        runs_directory=None,
        message_bound=1024,
        executor=Executors.AUTO,
        ansible_verbosity=0,
        ansible_roles_path="",
        ansible_collections_path="",
        ansible_arguments=(),
        inject_owner=True,
        leader_elect=False,
        leader_election_id="playbook-engine",
        leader_election_namespace="",
        lease_seconds=15.0,
        renew_deadline_seconds=10.0,
        retry_seconds=2.0,
    )


def test_no_two_settings_have_the_same_flag_or_variable() -> None:
    assert len({row.flag.variable for row in SETTINGS}) == len(SETTINGS)
    assert len({row.flag.name for row in SETTINGS}) == len(SETTINGS)


@pytest.mark.parametrize("row", SETTINGS, ids=lambda row: row.name)
def test_every_default_can_be_given_as_a_value(row: Setting) -> None:
    assert read_settings({row.flag.variable: row.flag.default}) == read_settings({})


def test_a_flag_goes_before_its_variable() -> None:
    environ = {"PLAYBOOK_ENGINE_BACKOFF_BASE": "3s", "PLAYBOOK_ENGINE_BACKOFF_MAX": "1m"}
    settings = read_settings(environ, {"backoff_base_seconds": "4s"})
    assert (settings.backoff_base_seconds, settings.backoff_max_seconds) == (4.0, 60.0)


@pytest.mark.parametrize(
    ("text", "names"),
    [("", ()), ("one", ("one",)), ("one, two,,one", ("one", "two"))],
)
def test_namespaces_are_a_comma_list_without_repetition(text: str, names: tuple[str, ...]) -> None:
    assert read_settings({"WATCH_NAMESPACE": text}).namespaces == names


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0", None),
        (":9000", Address(host="0.0.0.0", port=9000)),  # noqa: S104 - that is what :port means
        ("127.0.0.1:0", Address(host="127.0.0.1", port=0)),
        ("[::1]:8081", Address(host="::1", port=8081)),
    ],
)
def test_an_address_is_host_and_port_or_off(text: str, address: Address | None) -> None:
    assert read_settings({"PLAYBOOK_ENGINE_METRICS_BIND_ADDRESS": text}).metrics_address == address


def test_an_address_is_written_as_it_is_read() -> None:
    assert [str(Address(host=host, port=1)) for host in ("::1", "localhost")] == ["[::1]:1", "localhost:1"]


@pytest.mark.parametrize(
    ("variable", "text", "allowed"),
    [
        ("WATCH_NAMESPACE", "Not_A_Name", "names of namespaces, separated by commas"),
        ("PLAYBOOK_ENGINE_WATCHES_FILE", "", "a path"),
        ("PLAYBOOK_ENGINE_MAX_CONCURRENT_RUNS", "many", "a whole number from 0 to 1000"),
        ("PLAYBOOK_ENGINE_MAX_CONCURRENT_RUNS", "-1", "a whole number from 0 to 1000"),
        ("PLAYBOOK_ENGINE_MAX_CONCURRENT_RUNS", "1001", "a whole number from 0 to 1000"),
        ("PLAYBOOK_ENGINE_COMPARE_PERIOD", "0", "a duration above 0, such as 1h30m, 10m or 45s"),
        (
            "PLAYBOOK_ENGINE_GRACEFUL_SHUTDOWN_TIMEOUT",
            "30",
            "a duration such as 1h30m, 10m, 45s or 0",
        ),
        ("PLAYBOOK_ENGINE_LOG_FORMAT", "xml", "auto, text or json"),
        ("PLAYBOOK_ENGINE_LOG_LEVEL", "loud", "debug, info, warning or error"),
        (
            "PLAYBOOK_ENGINE_METRICS_BIND_ADDRESS",
            "8080",
            "host:port, :port for all addresses, or 0 for off",
        ),
        (
            "PLAYBOOK_ENGINE_METRICS_BIND_ADDRESS",
            ":65536",
            "host:port, :port for all addresses, or 0 for off",
        ),
        ("PLAYBOOK_ENGINE_MESSAGE_BOUND", "63", "a whole number from 64 to 32768"),
        ("ANSIBLE_VERBOSITY", "8", "a whole number from 0 to 7"),
    ],
)
def test_a_bad_value_is_named_with_its_variable_and_the_allowed_form(
    variable: str, text: str, allowed: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings({variable: text})
    assert raised.value.problems == (f"{variable}: {text!r} is not allowed; give {allowed}",)


def test_a_bad_value_of_a_flag_is_named_with_the_flag() -> None:
    with pytest.raises(SettingsError, match=r"^--log-level: 'loud' is not allowed; give debug"):
        read_settings({"PLAYBOOK_ENGINE_LOG_LEVEL": "info"}, {"log_level": "loud"})


def test_all_bad_values_are_reported_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings({"ANSIBLE_VERBOSITY": "x", "PLAYBOOK_ENGINE_LOG_LEVEL": "loud"})
    assert len(raised.value.problems) == 2


def test_a_back_off_that_starts_above_its_end_is_refused() -> None:
    with pytest.raises(SettingsError, match="--backoff-base is longer than --backoff-max"):
        read_settings({}, {"backoff_base_seconds": "10m"})

"""Ansible finds what it would have found under ansible-operator."""

from pathlib import Path

import pytest

from playbook_engine.compat.environment import inventory, paths, process_environment, run_settings
from playbook_engine.runs.environment import run_environment


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def found(home: Path, tmp_path: Path, **environ: str) -> dict[str, str]:
    return process_environment({"HOME": str(home), **environ}, directory=tmp_path, system=tmp_path / "system")


def test_without_a_configuration_roles_and_collections_are_below_the_home_directory(
    home: Path, tmp_path: Path
) -> None:
    shared = tmp_path / "system/usr/share/ansible"
    assert found(home, tmp_path) == {
        "ANSIBLE_ROLES_PATH": f"{home}/.ansible/roles:{shared}/roles",
        "ANSIBLE_COLLECTIONS_PATH": f"{home}/.ansible/collections:{shared}/collections",
    }


def test_what_the_environment_says_is_left_alone(home: Path, tmp_path: Path) -> None:
    given = {"ANSIBLE_ROLES_PATH": "/r", "ANSIBLE_COLLECTIONS_PATH": "/c"}
    assert found(home, tmp_path, **given) == {}
    assert found(home, tmp_path, ANSIBLE_CONFIG="/x.cfg") == {}


@pytest.mark.parametrize("place", ["ansible.cfg", "home/.ansible.cfg", "system/etc/ansible/ansible.cfg"])
def test_the_configuration_is_the_one_that_ansible_would_find(home: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).touch()
    assert found(home, tmp_path) == {"ANSIBLE_CONFIG": str(tmp_path / place)}


def test_paths_that_were_given_are_for_runs_too() -> None:
    assert paths("/r", "") == {"ANSIBLE_ROLES_PATH": "/r"}


def test_facts_are_gathered_unless_somebody_says_otherwise() -> None:
    assert run_settings({}) == {"ANSIBLE_GATHERING": "implicit"}
    assert run_settings({"ANSIBLE_GATHERING": "explicit"}) == {"ANSIBLE_GATHERING": "explicit"}


def test_an_inventory_may_have_any_form() -> None:
    settings = run_settings({"ANSIBLE_INVENTORY": "/hosts"})
    assert "ini" in settings["ANSIBLE_INVENTORY_ENABLED"].split(",")
    assert inventory({"ANSIBLE_INVENTORY": "/hosts"}) == Path("/hosts")
    assert inventory({}) is None


def test_a_run_inherits_the_environment_of_the_process(tmp_path: Path) -> None:
    environ = {"HTTPS_PROXY": "http://proxy:3128", "ANSIBLE_LOOKUP_PLUGINS": "/l", "OWN": "value"}
    settings = run_settings(environ)
    run = run_environment(environ, directory=tmp_path, mark="1", settings=settings)
    assert {name: run[name] for name in environ} == environ
    assert run["ANSIBLE_GATHERING"] == "implicit"

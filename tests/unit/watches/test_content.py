"""A change of what runs are made of is noticed by a look at names, and says whether the digest is another one."""

import os
from pathlib import Path

import pytest

from playbook_engine.objects import GroupVersionKind
from playbook_engine.watches.content import Content, ContentChange
from playbook_engine.watches.records import Watch


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name in ("playbooks/reconcile.yml", "roles/pot/tasks/main.yml", "plugins/filter/pots.py"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("old")
    manifest = tmp_path / "collections" / "ansible_collections" / "clay" / "pots" / "MANIFEST.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text("1.0.0")
    (tmp_path / "ca.crt").write_text("authority")
    return tmp_path


@pytest.fixture
def content(directory: Path) -> Content:
    playbook = directory / "playbooks" / "reconcile.yml"
    watch = Watch(
        gvk=GroupVersionKind(group="", version="v1", kind="Pot"), playbook=playbook, field_manager="potter"
    )
    environ = {
        "ANSIBLE_COLLECTIONS_PATH": str(directory / "collections"),
        "SSL_CERT_FILE": str(directory / "ca.crt"),
    }
    return Content((watch,), directory=directory, environ=environ)


def test_without_a_change_a_look_finds_none(content: Content) -> None:
    before = content.digest
    assert not content.look()
    assert content.digest == before


@pytest.mark.parametrize(
    "name", ["playbooks/reconcile.yml", "roles/pot/tasks/main.yml", "plugins/filter/pots.py"]
)
def test_a_changed_file_is_another_digest_once(name: str, content: Content, directory: Path) -> None:
    before = content.digest
    (directory / name).write_text("new!")
    assert content.look() == ContentChange(content=True, surroundings=False)
    assert content.digest != before
    assert not content.look()


def test_a_new_file_and_one_that_goes_are_changes(content: Content, directory: Path) -> None:
    path = directory / "roles" / "pot" / "vars.yml"
    path.write_text("new")
    assert content.look().content
    path.unlink()
    assert content.look().content


def test_a_file_that_is_written_again_with_the_same_words_is_no_change(
    content: Content, directory: Path
) -> None:
    path = directory / "roles" / "pot" / "tasks" / "main.yml"
    os.utime(path, ns=(1, 1))
    assert not content.look()


@pytest.mark.parametrize("name", ["collections/ansible_collections/clay/pots/MANIFEST.json", "ca.crt"])
def test_collections_and_authorities_need_a_new_server_and_no_new_runs(
    name: str, content: Content, directory: Path
) -> None:
    before = content.digest
    (directory / name).write_text("another one")
    assert content.look() == ContentChange(content=False, surroundings=True)
    assert content.digest == before

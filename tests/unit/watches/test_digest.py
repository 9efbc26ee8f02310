"""The digest of the content changes with everything that a run could use, and with nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from playbook_engine.objects import GroupVersionKind
from playbook_engine.watches.digest import content_digest
from playbook_engine.watches.records import Finalizer, Watch

FILES = {
    "watches.yaml": "- watches",
    "README.md": "read",
    "playbooks/reconcile.yml": "reconcile",
    "playbooks/finalize.yml": "finalize",
    "playbooks/vars/common.yml": "common",
    "roles/pot/tasks/main.yml": "tasks",
    "roles/pot/templates/pot.yml.j2": "template",
    "plugins/filter/pots.py": "filter",
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def digest(directory: Path, *, playbooks: str = "playbooks") -> str:
    watch = Watch(
        gvk=GroupVersionKind(group="", version="v1", kind="Pot"),
        playbook=directory / playbooks / "reconcile.yml",
        field_manager="potter",
        finalizer=Finalizer(name="example.com/pot", playbook=directory / playbooks / "finalize.yml"),
    )
    return content_digest((watch,), directory=directory)


def edit(name: str) -> Callable[[Path], object]:
    return lambda directory: (directory / name).write_text("edited")


def rename(name: str, other: str) -> Callable[[Path], object]:
    return lambda directory: (directory / name).rename(directory / other)


@pytest.mark.parametrize("name", [name for name in FILES if "/" in name])
def test_an_edit_of_content_changes_the_digest(name: str, directory: Path) -> None:
    before = digest(directory)
    edit(name)(directory)
    assert digest(directory) != before


@pytest.mark.parametrize(
    "change",
    [
        rename("roles/pot", "roles/pan"),
        edit("roles/pot/tasks/more.yml"),
        lambda directory: (directory / "plugins/filter/pots.py").unlink(),
        lambda directory: (directory / "roles/link").symlink_to("pot"),
        lambda directory: (directory / "roles/pot/tasks/link.yml").symlink_to("main.yml"),
    ],
    ids=["rename", "new file", "removed file", "linked directory", "linked file"],
)
def test_a_change_of_names_changes_the_digest(change: Callable[[Path], object], directory: Path) -> None:
    before = digest(directory)
    change(directory)
    assert digest(directory) != before


def test_an_edit_behind_a_link_changes_the_digest(
    directory: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    target = tmp_path_factory.mktemp("outside") / "tasks.yml"
    target.write_text("one")
    (directory / "roles/pot/tasks/link.yml").symlink_to(target)
    before = digest(directory)
    target.write_text("two")
    assert digest(directory) != before


def test_bytes_that_move_between_files_change_the_digest(directory: Path) -> None:
    one, other = directory / "roles/pot/a", directory / "roles/pot/b"
    one.write_text("xy")
    other.write_text("z")
    before = digest(directory)
    one.write_text("x")
    other.write_text("yz")
    assert digest(directory) != before


@pytest.mark.parametrize(
    "name",
    ["README.md", "watches.yaml", "plugins/filter/__pycache__/pots.pyc", "plugins/filter/pots.pyc"],
)
def test_what_is_no_content_does_not_change_the_digest(name: str, directory: Path) -> None:
    before = digest(directory)
    (directory / name).parent.mkdir(exist_ok=True)
    edit(name)(directory)
    assert digest(directory) == before


def test_a_copy_of_the_directory_has_the_same_digest(
    directory: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    copy = tmp_path_factory.mktemp("copy")
    for name, text in FILES.items():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text(text)
    assert digest(copy) == digest(directory)


def test_playbooks_beside_the_watches_file_do_not_make_all_of_its_directory_content(directory: Path) -> None:
    for name in ("reconcile.yml", "finalize.yml"):
        (directory / "playbooks" / name).rename(directory / name)
    before = digest(directory, playbooks=".")
    edit("README.md")(directory)
    assert digest(directory, playbooks=".") == before
    edit("finalize.yml")(directory)
    assert digest(directory, playbooks=".") != before


def test_missing_roles_and_plugins_are_no_error(directory: Path) -> None:
    rename("roles", "other")(directory)
    rename("plugins", "another")(directory)
    assert len(digest(directory)) == 64

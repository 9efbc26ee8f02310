"""What the environment of a run has for its clients and collections."""

from pathlib import Path

import pytest

from playbook_engine.runs.collection import COLLECTIONS, is_own
from playbook_engine.runs.environment import run_environment, without_detour


def test_the_collection_of_the_engine_is_found_after_everything_else(tmp_path: Path) -> None:
    given = {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path), "PYTHONPATH": "/first"}
    found = run_environment(given, directory=tmp_path, mark="m")
    assert found["PYTHONPATH"] == f"/first:{COLLECTIONS}"
    assert found["ANSIBLE_COLLECTIONS_PATH"] == str(tmp_path)
    assert (COLLECTIONS / "ansible_collections" / "operator_sdk" / "util" / "plugins").is_dir()


@pytest.mark.parametrize("where", ["told", "beside"])
def test_the_collection_of_the_image_is_used_where_there_is_one(tmp_path: Path, where: str) -> None:
    (tmp_path / "ansible_collections" / "operator_sdk" / "util").mkdir(parents=True)
    environ = {"ANSIBLE_COLLECTIONS_PATH": str(tmp_path) if where == "told" else "/none"}
    assert not is_own(environ, [str(tmp_path)] if where == "beside" else [])
    assert is_own({"ANSIBLE_COLLECTIONS_PATH": "/none"}, [""])
    if where == "told":
        assert "PYTHONPATH" not in run_environment(environ, directory=tmp_path, mark="m")


def test_the_way_to_the_engine_is_no_detour() -> None:
    assert without_detour({}) == {}
    assert without_detour({"NO_PROXY": "a"}) == {}
    both = {"NO_PROXY": "a,127.0.0.1", "no_proxy": "a,127.0.0.1"}
    assert without_detour({"https_proxy": "http://p", "NO_PROXY": "a"}) == both
    assert without_detour({"HTTP_PROXY": "http://p", "no_proxy": "a"}) == both
    assert without_detour({"HTTP_PROXY": "http://p"})["NO_PROXY"] == "127.0.0.1"

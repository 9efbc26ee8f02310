"""Manifests as files: the same for the same objects, and Secrets for nobody else."""

import stat
from pathlib import Path

from ansible_collections.vllm.semantic_router.plugins.module_utils.manifest_files import write_files
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import differs, shown

SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "r"}, "spec": {"type": "ClusterIP"}}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "r"}, "data": {"password": "c2VjcmV0"}}


def test_an_object_is_written_once(tmp_path: Path) -> None:
    ((before, after),) = write_files(tmp_path / "new", [SERVICE])
    assert before is None
    written = (tmp_path / "new" / "service-r.yaml").stat().st_mtime_ns
    ((before, after),) = write_files(tmp_path / "new", [SERVICE])
    assert not differs(before, after)
    assert (tmp_path / "new" / "service-r.yaml").stat().st_mtime_ns == written


def test_a_trial_writes_nothing_and_tells_what_it_would(tmp_path: Path) -> None:
    ((before, after),) = write_files(tmp_path / "new", [SERVICE], trial=True)
    assert differs(before, after)
    assert not (tmp_path / "new").exists()


def test_the_file_of_a_secret_is_its_owners_only(tmp_path: Path) -> None:
    write_files(tmp_path, [SECRET, SERVICE])
    assert stat.S_IMODE((tmp_path / "secret-r.yaml").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret-r.yaml", "service-r.yaml"]


def test_a_file_that_somebody_has_broken_is_written_anew(tmp_path: Path) -> None:
    for text in ("{", "text", "{}"):
        (tmp_path / "service-r.yaml").write_text(text, encoding="utf-8")
        ((before, _),) = write_files(tmp_path, [SERVICE])
        assert before is None
        assert "ClusterIP" in (tmp_path / "service-r.yaml").read_text(encoding="utf-8")


def test_a_changed_secret_is_a_change_and_is_not_shown() -> None:
    other = {**SECRET, "data": {"password": "b3RoZXI="}}
    assert differs(SECRET, other)
    assert "b3RoZXI=" not in str(shown(SECRET, other))

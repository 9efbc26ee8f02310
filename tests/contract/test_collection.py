"""The collection as others get it: built into a file, installed from that, and used from another directory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.cluster import CHECKOUT

BINARIES = Path(sys.executable).parent
ROUTER = {
    "apiVersion": "vllm.ai/v1alpha1",
    "kind": "SemanticRouter",
    "metadata": {"name": "router", "namespace": "there"},
    "spec": {
        "config": {
            "semantic_cache": {
                "backend_type": "redis",
                "redis": {"connection": {"host": "redis", "password": "in-plain-text"}},
            }
        }
    },
}
OWN_PLAYBOOK = """\
- name: Use one role alone
  hosts: localhost
  gather_facts: false
  vars:
    router: "{{ lookup('ansible.builtin.file', 'router.yaml') | from_yaml }}"
    watches: "{{ lookup('ansible.builtin.file', collection ~ '/watches.yaml') | from_yaml }}"
    cluster: "{{ lookup('ansible.builtin.file', collection ~ '/samples/observed/kubernetes.yaml') }}"
  module_defaults:
    vllm.semantic_router.apply: {directory: "{{ playbook_dir }}/out"}
  tasks:
    - name: Look at a cluster that is described by a file
      vllm.semantic_router.observe:
        resource: "{{ router }}"
        entry: "{{ watches[0] }}"
        written: "{{ cluster | from_yaml_all }}"
      register: seen
    - name: Work out the cache
      ansible.builtin.include_role:
        name: vllm.semantic_router.cache
      vars:
        cache_resource: "{{ router }}"
        cache_observed: "{{ seen.observed }}"
"""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a resource, and with the collection installed from its file."""
    directory = tmp_path_factory.mktemp("elsewhere")
    ansible("ansible-galaxy", "collection", "build", "--output-path", str(directory), at=CHECKOUT)
    (archive,) = directory.glob("vllm-semantic_router-*.tar.gz")
    install = ("collection", "install", str(archive), "--collections-path", str(directory))
    ansible("ansible-galaxy", *install, "--force", "--no-deps", "--offline", at=directory)
    (directory / "router.yaml").write_text(yaml.safe_dump(ROUTER), encoding="utf-8")
    return directory


def ansible(*words: str, at: Path) -> str:
    """Run a program of Ansible with the collections that are installed there; return what it printed."""
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(at), "ANSIBLE_NOCOLOR": "1", "PWD": str(at)}
    environment.pop("KUBECONFIG", None)
    done = subprocess.run(
        [BINARIES / words[0], *words[1:]],
        capture_output=True, text=True, check=False, cwd=at, env=environment, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def collection(directory: Path) -> Path:
    return directory / "ansible_collections" / "vllm" / "semantic_router"


def test_only_what_belongs_to_the_collection_is_in_it(elsewhere: Path) -> None:
    assert {path.name for path in collection(elsewhere).iterdir()} == {
        *("CHANGELOG.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md", "SECURITY.md"),
        *("crds", "deploy", "meta", "playbooks", "plugins", "requirements.yml", "roles", "samples"),
        "watches.yaml",
    }


def test_a_role_alone_works_in_anybodys_playbook(elsewhere: Path) -> None:
    (elsewhere / "own.yml").write_text(OWN_PLAYBOOK, encoding="utf-8")
    told = ansible(
        "ansible-playbook", "own.yml", "-vv", "-e", f"collection={collection(elsewhere)}", at=elsewhere
    )
    assert f"task path: {collection(elsewhere)}/roles/cache/tasks/main.yml" in told, "not the installed one"
    (secret,) = (elsewhere / "out").glob("*.yaml")
    made = yaml.safe_load(secret.read_text(encoding="utf-8"))
    assert (made["kind"], made["metadata"]["name"]) == ("Secret", "router-credentials")
    assert "in-plain-text" not in told


def test_a_playbook_of_the_collection_works_by_its_name(elsewhere: Path) -> None:
    observed = collection(elsewhere) / "samples" / "observed" / "kubernetes.yaml"
    given = ("-e", "files=router.yaml", "-e", f"observed_file={observed}", "-e", "output=manifests")
    told = ansible("ansible-playbook", "vllm.semantic_router.render", "-v", *given, at=elsewhere)
    assert str(collection(elsewhere) / "playbooks") in told, "not the installed one"
    written = {path.name for path in (elsewhere / "manifests" / "there" / "router").iterdir()}
    assert {"deployment-router.yaml", "secret-router-credentials.yaml", "service-router.yaml"} <= written


def test_one_role_of_the_playbook_runs_by_its_tag(elsewhere: Path) -> None:
    observed = collection(elsewhere) / "samples" / "observed" / "kubernetes.yaml"
    given = ("-e", "files=router.yaml", "-e", f"observed_file={observed}", "-e", "output=part")
    ansible("ansible-playbook", "vllm.semantic_router.render", "--tags", "cache", *given, at=elsewhere)
    written = {path.name for path in (elsewhere / "part" / "there" / "router").iterdir()}
    assert written == {"secret-router-credentials.yaml"}


def test_requirements_for_galaxy_are_what_is_installed_and_declared() -> None:
    (wanted,) = yaml.safe_load((CHECKOUT / "requirements.yml").read_text(encoding="utf-8"))["collections"]
    declared = yaml.safe_load((CHECKOUT / "galaxy.yml").read_text(encoding="utf-8"))["dependencies"]
    assert {wanted["name"]: wanted["version"]} == declared
    listed = ansible("ansible-galaxy", "collection", "list", "kubernetes.core", at=CHECKOUT)
    version = tuple(int(part) for part in listed.split()[-1].split("."))
    assert (6, 6, 0) <= version < (7, 0, 0)
    assert wanted["version"] == ">=6.6.0,<7.0.0"

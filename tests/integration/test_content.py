"""What playbooks say is what happens: also when they are changed while the operator runs."""

import shutil
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.support.api import Space
from tests.support.toys import DIRECTORY, Toy, fork_servers


@pytest.mark.usefixtures("toy_kind")
def test_a_changed_playbook_is_run_again_by_a_new_fork_server_without_a_restart(
    start_operator: Starter, space: Space, tmp_path: Path
) -> None:
    shutil.copytree(DIRECTORY, tmp_path / "toy")
    operator = start_operator(
        watches=tmp_path / "toy" / "watches.yaml",
        arguments=["--content-period", "1s", "--namespaces", space.name],
        environment={"TOY_WORKSHOP": "cellar"},
    )
    toy = Toy.create(space)
    toy.wait_made()
    toy.wait_data(colour="plain")
    before = fork_servers(operator)
    playbook = tmp_path / "toy" / "playbooks" / "toy.yml"
    playbook.write_text(playbook.read_text().replace("default('plain')", "default('glazed')"))
    toy.wait_data(colour="glazed")
    assert fork_servers(operator) not in ([], before)

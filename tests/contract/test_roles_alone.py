"""A role is run as a play of its own, and the environment of ansible-operator holds for runs, warm and cold."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from playbook_engine.compat.environment import inventory, run_settings
from playbook_engine.runs.cold import ColdExecutor
from playbook_engine.runs.records import Executor, Rules, RunOutcome, RunRequest, RunStatus
from playbook_engine.runs.warm import WarmExecutor
from tests.contract.plays import lay_out, playbook

pytestmark = pytest.mark.asyncio(loop_scope="module")

FILES = {
    "roles/pot/defaults/main.yml": "size: 1\nglaze: none\n",
    "roles/pot/meta/main.yml": "dependencies: [{role: clay}]\n",
    "roles/pot/meta/argument_specs.yml": "argument_specs: {main: {options: {size: {type: int}}}}\n",
    "roles/pot/tasks/main.yml": """
- ansible.builtin.include_role: {name: kiln}
- ansible.builtin.set_stats:
    data:
      size: "{{ size }}"
      glaze: "{{ glaze }}"
      clay: "{{ clay_seen }}"
      kiln: "{{ kiln_seen }}"
      template: "{{ lookup('template', 'pot.j2') }}"
      facts: "{{ ansible_facts.system is defined }}"
      place: "{{ role_path }}"
""",
    "roles/pot/templates/pot.j2": "a {{ size }}",
    "roles/clay/tasks/main.yml": "- ansible.builtin.set_fact: {clay_seen: true}\n",
    "roles/kiln/tasks/main.yml": "- ansible.builtin.set_fact: {kiln_seen: true}\n",
    "hosts": "[pots]\nlocalhost ansible_connection=local colour=red\n",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("roles")
    lay_out(root, FILES)
    tasks = '- ansible.builtin.set_stats: {data: {colour: "{{ colour }}", groups: "{{ group_names }}"}}'
    (root / "inventory.yml").write_text(playbook(tasks))
    return root


@pytest.fixture(scope="module")
def environ(project: Path) -> dict[str, str]:
    """What the process was started with."""
    return {"ANSIBLE_INVENTORY": str(project / "hosts")}


@pytest.fixture(scope="module")
def rules(environ: dict[str, str]) -> Rules:
    arguments = ("--extra-vars", "glaze='two words'")
    return Rules(settings=run_settings(environ), arguments=arguments, inventory=inventory(environ))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def warm(rules: Rules) -> AsyncIterator[WarmExecutor]:
    executor = WarmExecutor(rules=rules)
    yield executor
    await executor.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def cold(rules: Rules) -> AsyncIterator[ColdExecutor]:
    executor = ColdExecutor(rules=rules)
    yield executor
    await executor.close()


async def run(executor: Executor, path: Path, **variables: object) -> RunOutcome:
    outcome = await executor.run(RunRequest(ident="1", subject="x", playbook=path, variables=variables))
    assert outcome.warm is isinstance(executor, WarmExecutor)
    return outcome


async def test_a_role_is_run_with_the_roles_beside_it(executor: Executor, project: Path) -> None:
    outcome = await run(executor, project / "roles" / "pot", size=3)
    assert outcome.status is RunStatus.SUCCESSFUL, outcome
    assert outcome.custom == {
        "size": 3,
        "glaze": "two words",
        "clay": True,
        "kiln": True,
        "template": "a 3",
        "facts": True,
        "place": str(project / "roles" / "pot"),
    }


async def test_an_argument_that_a_role_does_not_take_is_a_failure(executor: Executor, project: Path) -> None:
    outcome = await run(executor, project / "roles" / "pot", size="many")
    assert outcome.status is RunStatus.FAILED
    assert "size" in outcome.failures[0].message


async def test_a_field_whose_name_is_no_variable_hinders_nothing(executor: Executor, project: Path) -> None:
    given = {"foo-bar": 1, "foo.bar": 2, "1st": 3, "": 4, "hosts": "x", "name": "y", "size": 5}
    outcome = await run(executor, project / "roles" / "pot", **given)
    assert outcome.custom["size"] == 5, outcome


async def test_hosts_are_those_of_the_inventory(executor: Executor, project: Path) -> None:
    outcome = await run(executor, project / "inventory.yml")
    assert outcome.custom == {"colour": "red", "groups": ["pots"]}


async def test_facts_are_not_gathered_where_the_environment_says_so(project: Path) -> None:
    executor = WarmExecutor(rules=Rules(settings=run_settings({"ANSIBLE_GATHERING": "explicit"})))
    outcome = await run(executor, project / "roles" / "pot")
    await executor.close()
    assert outcome.custom["facts"] is False

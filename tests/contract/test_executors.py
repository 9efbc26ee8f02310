"""Warm and cold runs have the same outcome, and leave nothing behind however they end."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from playbook_engine.runs.cold import ColdExecutor
from playbook_engine.runs.processes import descendants, marked
from playbook_engine.runs.records import Executor, Rules, RunOutcome, RunRequest, RunStatus
from playbook_engine.runs.supervise import Limits
from playbook_engine.runs.warm import WarmExecutor
from tests.contract.plays import FILES, PLAYS, lay_out, playbook

GIVEN = {"text": "{{ 1 + 1 }} {% raw %}", "list": ["{{ x }}"]}
MARK = "CONTRACT_TEST"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The playbooks and what they refer to."""
    root = tmp_path_factory.mktemp("project")
    lay_out(root, FILES)
    for name, tasks in PLAYS.items():
        (root / f"{name}.yml").write_text(playbook(tasks))
    return root


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def warm() -> AsyncIterator[WarmExecutor]:
    """A warm executor; that it is not secretly cold is a test of its own."""
    executor = WarmExecutor()
    yield executor
    await executor.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def cold() -> AsyncIterator[ColdExecutor]:
    """A cold executor."""
    executor = ColdExecutor()
    yield executor
    await executor.close()


@pytest.fixture
def place() -> Iterator[Path]:
    """An empty directory for runs; its path is short, which that of ``tmp_path`` is not."""
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


pytestmark = pytest.mark.asyncio(loop_scope="module")


def request(path: Path, **more: object) -> RunRequest:
    made = RunRequest(
        ident="1", subject="x", playbook=path, variables={"given": GIVEN}, unsafe=frozenset({"given"})
    )
    return replace(made, environment={MARK: "here"}, **more)  # type: ignore[arg-type]


def entries(directory: Path) -> list[Path]:
    return list(directory.iterdir())


def comparable(outcome: RunOutcome) -> RunOutcome:
    return replace(outcome, duration_seconds=0.0, processor_seconds=0.0, warm=False)


async def test_the_warm_executor_is_warm(place: Path, project: Path) -> None:
    states: list[str] = []
    executor = WarmExecutor(place, on_state=states.append)
    await executor.run(request(project / "facts and statistics.yml"))
    await executor.close()
    assert states == [""]
    assert not entries(place)


@pytest.mark.parametrize("kind", [WarmExecutor, ColdExecutor])
async def test_a_directory_that_is_too_long_for_sockets_is_refused(
    kind: type[WarmExecutor | ColdExecutor], place: Path
) -> None:
    longest = place / ("x" * (48 - len(str(place)) - 1))
    await kind(longest).close()
    with pytest.raises(OSError, match="may have 48 characters"):
        kind(longest.with_name(longest.name + "x"))


@pytest.mark.parametrize("name", PLAYS)
async def test_a_playbook_has_the_same_outcome_warm_and_cold(
    name: str, project: Path, warm: WarmExecutor, cold: ColdExecutor
) -> None:
    given = request(project / f"{name}.yml")
    first, again, as_usual = [comparable(await executor.run(given)) for executor in (warm, warm, cold)]
    assert first == as_usual
    assert again == as_usual, "what the server has learned of the first run changes nothing"


async def test_plugins_beside_a_playbook_go_before_those_that_the_server_has(
    project: Path, warm: WarmExecutor, cold: ColdExecutor
) -> None:
    usual = [await executor.run(request(project / "plugins.yml")) for executor in (warm, warm, cold)]
    given = request(project / "beside" / "plugins.yml")
    beside = [await executor.run(given) for executor in (warm, warm, cold)]
    after = await warm.run(request(project / "plugins.yml"))
    assert {one.custom["upper"] for one in usual} == {"A"}
    assert {one.custom["upper"] for one in beside} == {"a filter beside the playbook"}
    assert comparable(usual[0]) == comparable(usual[1]) == comparable(usual[2]) == comparable(after)
    assert comparable(beside[0]) == comparable(beside[1]) == comparable(beside[2])


async def test_a_run_says_after_how_long_it_wants_to_be_made_again(executor: Executor, project: Path) -> None:
    outcome = await executor.run(request(project / "asks for another run.yml"))
    assert (outcome.status, outcome.requeue_seconds) == (RunStatus.SUCCESSFUL, 90.0)
    assert "'soon' is not a duration such as" in str(outcome.custom["refused"])


async def test_what_the_server_has_parsed_changes_nothing(
    project: Path, warm: WarmExecutor, tmp_path: Path
) -> None:
    given = request(project / "which variable goes before which.yml")
    outcomes = [comparable(await warm.run(given)) for _ in range(3)]
    assert outcomes[0] == outcomes[1] == outcomes[2]
    path = tmp_path / "edited.yml"
    for number in (1, 2, 2):
        path.write_text(playbook(f"- ansible.builtin.set_stats: {{data: {{number: {number}}}}}"))
        assert (await warm.run(request(path))).custom == {"number": number}


async def test_a_role_that_is_edited_is_another_one_at_once(warm: WarmExecutor, tmp_path: Path) -> None:
    tasks, variables = tmp_path / "roles/one/tasks/main.yml", tmp_path / "roles/one/vars/main.yml"
    tasks.parent.mkdir(parents=True)
    path = tmp_path / "play.yml"
    path.write_text("- {hosts: localhost, gather_facts: false, roles: [one]}")
    for key in ("first", "second"):
        tasks.write_text(f"- ansible.builtin.set_stats: {{data: {{{key}: '{{{{ word | default(1) }}}}'}}}}")
        for _ in range(3):
            assert (await warm.run(request(path))).custom == {key: 1}
    variables.parent.mkdir()
    variables.write_text("word: 2")
    for _ in range(2):
        assert (await warm.run(request(path))).custom == {"second": 2}


async def test_a_file_that_a_role_gets_later_is_seen_at_once(warm: WarmExecutor, tmp_path: Path) -> None:
    lay_out(tmp_path, {
        "play.yml": "- {hosts: localhost, gather_facts: false, roles: [one]}",
        "roles/one/tasks/main.yml": "- ansible.builtin.set_stats: {data: {word: '{{ word | default(1) }}'}}",
        "roles/one/vars/notes.txt": "",
    })  # fmt: skip
    for _ in range(3):
        assert (await warm.run(request(tmp_path / "play.yml"))).custom == {"word": 1}
    (tmp_path / "roles/one/vars/main.yml").write_text("word: 2")
    assert (await warm.run(request(tmp_path / "play.yml"))).custom == {"word": 2}


@pytest.mark.parametrize("more", [{"check": True}, {"diff": True}, {"tags": ("none",)}, {"verbosity": 2}])
async def test_the_options_of_a_run_mean_the_same(
    more: dict[str, object], project: Path, warm: WarmExecutor, cold: ColdExecutor
) -> None:
    await warm.run(request(project / "files and templates.yml"))  # so the server has loaded it
    given = request(project / "files and templates.yml", **more)
    outcomes = [comparable(await executor.run(given)) for executor in (warm, cold)]
    assert outcomes[0] == outcomes[1]


async def test_unsafe_texts_arrive_as_they_are(executor: Executor, project: Path) -> None:
    outcome = await executor.run(request(project / "unsafe texts are not templates.yml"))
    assert outcome.custom["seen"] == GIVEN


async def test_a_failed_task_is_named_and_what_no_log_hides_stays_hidden(
    executor: Executor, project: Path
) -> None:
    outcome = await executor.run(request(project / "no_log.yml"))
    (failure,) = outcome.failures
    assert (outcome.status, failure.task) == (RunStatus.FAILED, "Hide")
    assert "hidden by no_log" in failure.message
    assert "msg" not in failure.message


async def test_a_playbook_that_is_not_there_or_cannot_be_read_fails(
    executor: Executor, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text("- hosts: localhost\n  tasks: [{")
    for path, words in ((tmp_path / "none.yml", "could not be found"), (broken, "YAML")):
        outcome = await executor.run(request(path))
        assert outcome.status is RunStatus.FAILED
        assert words in outcome.detail


HANGING = """
    - name: Leave somebody behind
      ansible.builtin.shell: setsid sleep 987 >/dev/null 2>&1 &
    - name: Hang
      ansible.builtin.command: sleep 987
"""


@pytest.fixture
def hanging(tmp_path: Path) -> Path:
    path = tmp_path / "hanging.yml"
    path.write_text(playbook(HANGING))
    return path


def left() -> set[int]:
    """Processes of any run that is over."""
    return marked(MARK, "here")


async def sleeping(number: int) -> set[int]:
    """Wait until so many processes of runs sleep."""
    async with asyncio.timeout(20):
        while len(found := {pid for pid in left() if b"987" in command(pid)}) < number:  # noqa: ASYNC110 - /proc tells nobody
            await asyncio.sleep(0.05)
    return found


async def test_a_run_that_takes_too_long_is_ended_with_all_its_processes(
    executor: Executor, hanging: Path
) -> None:
    outcome = await executor.run(request(hanging, timeout_seconds=4.0))
    assert outcome.status is RunStatus.TIMED_OUT
    assert outcome.last_task == "Hang"
    assert left() == set()


async def test_a_run_that_is_cancelled_is_ended_with_all_its_processes(
    executor: Executor, hanging: Path
) -> None:
    run = asyncio.create_task(executor.run(request(hanging)))
    await sleeping(2)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert left() == set()


async def test_a_run_whose_playbook_is_killed_died_in_its_last_task(
    executor: Executor, tmp_path: Path
) -> None:
    path = tmp_path / "killed.yml"
    path.write_text(playbook("- name: Take a nap\n      ansible.builtin.command: sleep 987"))
    run = asyncio.create_task(executor.run(request(path)))
    os.kill(playing(min(await sleeping(1))), signal.SIGKILL)
    outcome = await run
    assert (outcome.status, outcome.last_task) == (RunStatus.DIED, "Take a nap")
    assert left() == set()


def command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def playing(pid: int) -> int:
    """Return the process that runs the playbook, from one of its descendants: the topmost below its owner."""
    line = [pid]
    while (above := parent(line[-1])) != os.getpid() and above > 1:
        line.append(above)
    names = [command(one) for one in line]
    owner = max(index for index, name in enumerate(names) if b"playbook_engine" in name)
    if b"warm.server" in names[owner]:
        return line[owner - 2]  # server, owner of the run, playbook
    return next(
        one for one, name in zip(reversed(line), reversed(names), strict=True) if b"ansible-playbook" in name
    )


LIMITS = Limits(memory_bytes=200 * 2**20, open_files=256)
HUNGRY = """
    - name: Eat
      ansible.builtin.command: {argv: [python3, -c, "import time; x = b'x' * 300 * 2**20; time.sleep(987)"]}
"""
MANY_FILES = """
    - name: Count
      ansible.builtin.command: sh -c 'ulimit -n'
      register: count
    - ansible.builtin.set_stats: {data: {most: "{{ count.stdout }}"}}
"""


@pytest.mark.parametrize("kind", [WarmExecutor, ColdExecutor])
async def test_a_run_that_uses_too_much_memory_is_ended_and_says_so(
    kind: type[WarmExecutor | ColdExecutor], place: Path, tmp_path: Path
) -> None:
    executor = kind(place, rules=Rules(limits=LIMITS))
    (tmp_path / "hungry.yml").write_text(playbook(HUNGRY))
    outcome = await executor.run(request(tmp_path / "hungry.yml", timeout_seconds=60.0))
    await executor.close()
    assert (outcome.status, outcome.last_task) == (RunStatus.DIED, "Eat")
    assert outcome.detail == "it used more than the 200 MiB of memory that a run may use"
    assert left() == set()


@pytest.mark.parametrize("kind", [WarmExecutor, ColdExecutor])
async def test_processes_of_a_run_open_no_more_files_than_they_may(
    kind: type[WarmExecutor | ColdExecutor], place: Path, tmp_path: Path
) -> None:
    executor = kind(place, rules=Rules(limits=LIMITS))
    (tmp_path / "files.yml").write_text(playbook(MANY_FILES))
    outcome = await executor.run(request(tmp_path / "files.yml"))
    await executor.close()
    assert outcome.custom == {"most": "256"}
    assert outcome.processor_seconds > 0


async def test_a_server_is_replaced_when_it_made_its_runs_and_when_it_is_renewed(
    place: Path, project: Path
) -> None:
    states: list[str] = []
    executor = WarmExecutor(place, rules=Rules(runs_per_server=2), on_state=states.append)
    for _ in range(3):
        await executor.run(request(project / "facts and statistics.yml"))
    assert states == ["", ""]
    await executor.renew()
    assert states == [""] * 3
    assert (await executor.run(request(project / "loops.yml"))).status is RunStatus.SUCCESSFUL
    assert len(entries(executor.directory)) == 1, "only the directory of the last server is left"
    await executor.close()


async def test_two_runs_go_on_at_once(executor: Executor, tmp_path: Path) -> None:
    path = tmp_path / "meet.yml"
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    met = f"touch {meeting}/$$; for i in $(seq 200); do [ $(ls {meeting} | wc -l) = 2 ] && exit 0; sleep 0.1; done"
    wait = f"sh -c '{met}; exit 1'"
    path.write_text(playbook(f'- ansible.builtin.command: "{wait}"'))
    outcomes = await asyncio.gather(*(executor.run(request(path)) for _ in range(2)))
    assert [outcome.status for outcome in outcomes] == [RunStatus.SUCCESSFUL] * 2


async def test_a_killed_fork_server_is_replaced(project: Path) -> None:
    executor = WarmExecutor()
    given = request(project / "facts and statistics.yml")
    first = await executor.run(given)
    servers = {pid for pid in descendants(os.getpid()) if b"warm.server" in command(pid)} - before_servers(
        executor
    )
    for pid in servers:
        os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(30):
        second = await executor.run(given)
        while second.status is not RunStatus.SUCCESSFUL:  # its death may be noticed a moment later
            second = await executor.run(given)
    await executor.close()
    assert comparable(first) == comparable(second)


def before_servers(executor: WarmExecutor) -> set[int]:
    """Return the servers that are not of this executor."""
    own = str(executor.directory).encode()
    found = {pid for pid in descendants(os.getpid()) if b"warm.server" in command(pid)}
    return {pid for pid in found if own not in Path(f"/proc/{pid}/environ").read_bytes()}


async def test_a_run_with_settings_of_ansibles_own_is_not_warm(project: Path, warm: WarmExecutor) -> None:
    given = replace(
        request(project / "facts and statistics.yml"), environment={"ANSIBLE_ANY_ERRORS_FATAL": "1"}
    )
    assert (await warm.run(given)).status is RunStatus.SUCCESSFUL


async def test_a_closed_executor_refuses_runs(project: Path) -> None:
    for executor in (WarmExecutor(), ColdExecutor()):
        await executor.close()
        with pytest.raises(RuntimeError, match="closed"):
            await executor.run(request(project / "loops.yml"))


@pytest.mark.parametrize("kind", [WarmExecutor, ColdExecutor])
async def test_closing_ends_runs(kind: type[WarmExecutor | ColdExecutor], place: Path, hanging: Path) -> None:
    executor = kind(place)
    run = asyncio.create_task(executor.run(request(hanging)))
    await sleeping(2)
    await executor.close()
    assert (await run).status is RunStatus.DIED
    assert left() == set()
    assert not entries(place)


@pytest.mark.parametrize("kind", [WarmExecutor, ColdExecutor])
async def test_a_run_whose_files_could_not_be_made_does_not_hold_up_the_end(
    kind: type[WarmExecutor | ColdExecutor], place: Path, project: Path
) -> None:
    executor = kind(place)
    with pytest.raises(TypeError):
        await executor.run(replace(request(project / "loops.yml"), variables={"given": object()}))
    async with asyncio.timeout(20):
        await executor.close()
    assert not entries(place)


@pytest.mark.parametrize("name", ["kubernetes.core.k8s", "k8s"])
async def test_a_module_for_kubernetes_starts_no_interpreter(
    warm: WarmExecutor, place: Path, name: str
) -> None:
    """By its short name neither, which projects for ansible-operator use."""
    play = place / "play.yml"
    play.write_text(
        playbook(f"""
    - name: Apply nowhere
      {name}: {{kind: ConfigMap, name: x, namespace: y, host: "http://127.0.0.1:1", api_key: none}}
      vars: {{ansible_python_interpreter: /no/such/python}}
    """)
    )
    (failure,) = (await warm.run(request(play))).failures
    assert "/no/such/python" not in failure.message
    assert "127.0.0.1" in failure.message

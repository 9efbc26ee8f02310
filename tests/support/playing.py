"""Playbooks of the checkout, run as ``ansible-playbook`` would, in processes that have loaded Ansible already."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playbook_engine.runs.records import RunOutcome, RunRequest
from playbook_engine.runs.warm import WarmExecutor
from tests.support.cluster import CHECKOUT

PLAYBOOKS = CHECKOUT / "playbooks"
MODULES = ("vllm.semantic_router.apply", "vllm.semantic_router.observe")


@dataclass(frozen=True, slots=True)
class Player:
    """Runs playbooks, one after the other."""

    runner: asyncio.Runner
    executor: WarmExecutor

    def play(
        self,
        playbook: Path,
        variables: Mapping[str, object],
        *,
        kubeconfig: Path | None = None,
        check: bool = False,
    ) -> RunOutcome:
        """Run a playbook to its end, against the cluster of ``kubeconfig`` if there is one."""
        access = {"K8S_AUTH_KUBECONFIG": str(kubeconfig)} if kubeconfig else {}
        request = RunRequest(
            ident=f"{playbook.stem}-{'check' if check else 'real'}",
            subject="test",
            playbook=playbook,
            variables=variables,
            environment={"PWD": str(CHECKOUT), **access},
            check=check,
        )
        return self.runner.run(self.executor.run(request))


@contextmanager
def playing() -> Iterator[Player]:
    """A player for the length of a block."""
    with asyncio.Runner() as runner:
        executor = WarmExecutor(modules=MODULES)
        try:
            yield Player(runner, executor)
        finally:
            runner.run(executor.close())

"""How runs are made, as the settings ask."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from playbook_engine.compat import environment
from playbook_engine.fence import Fence
from playbook_engine.observability.logs import get_logger
from playbook_engine.observability.metrics import Metrics
from playbook_engine.runs import collection
from playbook_engine.runs.cold import ColdExecutor
from playbook_engine.runs.records import Executor, Rules
from playbook_engine.runs.supervise import Limits
from playbook_engine.runs.warm import WarmExecutor
from playbook_engine.settings.choices import Compatibility, Executors
from playbook_engine.settings.table import Settings
from playbook_engine.watches.records import Watch

log = get_logger(__name__)


def make_executor(
    settings: Settings, metrics: Metrics, fence: Fence, *, modules: Iterable[str] = ()
) -> Executor:
    """Make the executor that the settings ask for; whether runs are warm is logged and measured.

    Raises OSError when there is no place for the runs.
    """
    directory = settings.runs_directory
    rules = _make_rules(settings, os.environ)
    if settings.executor is Executors.COLD:
        return ColdExecutor(directory, rules=rules, fence=fence)

    def tell(reason: str) -> None:
        metrics.warm_state(warm=not reason)
        if reason:
            log.warning("runs are cold: each starts Ansible anew", reason=reason)
        else:
            log.info("runs are warm")

    return WarmExecutor(directory, rules=rules, on_state=tell, fence=fence, modules=tuple(modules))


def _make_rules(settings: Settings, environ: Mapping[str, str]) -> Rules:
    compatible = settings.compatibility is Compatibility.ANSIBLE_OPERATOR
    return Rules(
        message_bound=settings.message_bound,
        limits=Limits(memory_bytes=settings.run_memory_bytes, open_files=settings.run_open_files),
        runs_per_server=settings.runs_per_server,
        settings=environment.run_settings(environ) if compatible else {},
        arguments=settings.ansible_arguments,
        inventory=environment.inventory(environ) if compatible else None,
    )


def in_process_modules(watches: Iterable[Watch]) -> list[str]:
    """Give the modules that need no process of their own: those that entries name, and those of the engine."""
    watches = tuple(watches)
    named = {name for watch in watches for name in watch.in_process_modules}
    ours = (
        collection.MODULES
        if any(watch.dependents for watch in watches) and collection.is_own(os.environ)
        else ()
    )
    return sorted(named.union(ours))


def run_credentials(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the variables by which modules of a run find the same cluster as the engine.

    A run has a home directory of its own, so the kubeconfig in that of the user has to be named.
    """
    named = environ.get("KUBECONFIG")
    if named:
        return {
            "KUBECONFIG": os.pathsep.join(
                str(Path(path).absolute()) for path in named.split(os.pathsep) if path
            )
        }
    usual = Path(environ.get("HOME", "/")) / ".kube" / "config"
    return {"KUBECONFIG": str(usual)} if usual.is_file() else {}

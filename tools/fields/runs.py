"""What a run would apply, remove and tell: the playbook's own tasks, gone through without Ansible or a cluster."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import yaml
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import plain

from tools.fields.templates import Quick, Scope
from tools.generate.files import CHECKOUT

PLAYBOOK = CHECKOUT / "playbooks" / "reconcile.yml"
FIELD_MANAGER = "semantic-router-operator"
KEYWORDS = frozenset(
    {
        "name",
        "when",
        "loop",
        "loop_control",
        "register",
        "vars",
        "tags",
        "no_log",
        "failed_when",
        "changed_when",
    }
)

type Object = dict[str, Any]


class UnknownTaskError(Exception):
    """A task does something that is not known here; teach it to ``Run``."""


class Language(Protocol):
    """How expressions are evaluated: quickly, or as a test does it, by Ansible."""

    def evaluated(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401 - any YAML
        """Evaluate every template in ``value``."""

    def later(self, value: Any, scope: Scope) -> Any:  # noqa: ANN401 - any YAML
        """Give what stands in ``scope`` for a variable whose templates are evaluated when it is used."""

    def holds(self, condition: object, scope: Scope) -> bool:
        """Whether a ``when`` holds."""


@dataclass(slots=True)
class Run:
    """What came out; ``applied`` and ``removed`` in the order of the tasks. ``facts`` are of the whole play."""

    language: Language = field(default_factory=Quick)
    applied: list[Object] = field(default_factory=list)
    removed: list[Object] = field(default_factory=list)
    conditions: dict[str, Any] = field(default_factory=dict)
    status: dict[str, Any] = field(default_factory=dict)
    facts: Scope = field(default_factory=dict)

    def play(self, play: Mapping[str, Any], scope: Scope) -> None:
        """Go through a play; raises UnknownTaskError."""
        self.facts.update(scope)
        self._say(play.get("vars", {}), self.facts)
        self._perform(play["tasks"], self.facts, PLAYBOOK.parent)

    def _say(self, variables: Mapping[str, Any], scope: Scope) -> None:
        for name, value in variables.items():
            scope[name] = self.facts[name] = self.language.later(value, self.facts)

    def _perform(self, tasks: Iterable[Mapping[str, Any]], scope: Scope, directory: Path) -> None:
        for task in tasks:
            if "block" in task:
                # Roles take theirs from the play, so these are the play's too.
                self._say(task.get("vars", {}), scope)
                if self.language.holds(task.get("when", True), scope):
                    self._perform(task["block"], scope, directory)
                else:
                    names = [inner["register"] for inner in task["block"] if "register" in inner]
                    self._learn({name: {"skipped": True} for name in names}, scope)
                continue
            names = [name for name in task if name not in KEYWORDS]
            if len(names) != 1:
                raise UnknownTaskError(f"{task.get('name')}: {', '.join(names)}")
            result: Any = {"skipped": True}
            for inner in self._loop(task, scope):
                if self.language.holds(task.get("when", True), inner):
                    result = self._act(names[0], task, inner, directory)
                    self._learn(result.get("ansible_facts", {}), scope)
            if "register" in task:
                self._learn({task["register"]: result}, scope)

    def _loop(self, task: Mapping[str, Any], scope: Scope) -> Iterator[Scope]:
        """Give the variables of each round; a task without a loop has one."""
        own = dict(scope)
        if not names_a_role(task):
            own.update(
                {name: self.language.later(value, own) for name, value in task.get("vars", {}).items()}
            )
        if "loop" not in task:
            yield own
            return
        name = task.get("loop_control", {}).get("loop_var", "item")
        for item in plain(self.language.evaluated(task["loop"], own)):
            yield {**own, name: item}

    def _learn(self, facts: Scope, scope: Scope) -> None:
        scope.update(facts)
        self.facts.update(facts)

    def _act(self, action: str, task: Mapping[str, Any], scope: Scope, directory: Path) -> Object:
        arguments = task[action]
        match action.removeprefix("ansible.builtin.").removeprefix("kubernetes.core."):
            case "set_fact":
                return {
                    "ansible_facts": {
                        name: plain(self.language.evaluated(value, scope))
                        for name, value in arguments.items()
                    }
                }
            case "set_stats":
                self._tell(plain(self.language.evaluated(arguments["data"], scope)))
            case "import_role":
                self._role(arguments["name"].rpartition(".")[2], task.get("vars", {}), scope)
            case "import_tasks" | "include_tasks":
                file = arguments if isinstance(arguments, str) else arguments["file"]
                self._perform(_load(directory / file), scope, directory)
            case "k8s_json_patch":
                pass  # what it takes away, the next task applies again
            case "k8s":
                return self._write(plain(self.language.evaluated(arguments, scope)))
            case "vllm.semantic_router.apply":
                self._tell(plain(self.language.evaluated(arguments.get("report", {}), scope)))
                return self._apply(plain(self.language.evaluated(arguments["objects"], scope)))
            case _:
                raise UnknownTaskError(f"{task.get('name')}: {action}")
        return {}

    def _role(self, name: str, given: Mapping[str, Any], scope: Scope) -> None:
        directory = CHECKOUT / "roles" / name
        inner: Scope = dict(scope)
        for file in ("defaults", "vars"):
            path = directory / file / "main.yml"
            found = _load(path) if path.exists() else {}
            inner.update({key: self.language.later(value, inner) for key, value in found.items()})
        inner.update({variable: self.language.later(value, self.facts) for variable, value in given.items()})
        self._perform(_load(directory / "tasks" / "main.yml"), inner, directory / "tasks")

    def _tell(self, data: Mapping[str, Any]) -> None:
        self.conditions.update(data.get("conditions") or {})
        self.status.update(data.get("status") or {})

    def _write(self, arguments: Mapping[str, Any]) -> Object:
        if arguments["state"] == "absent":
            metadata = {"name": arguments["name"], "namespace": arguments["namespace"]}
            kind = {"apiVersion": arguments["api_version"], "kind": arguments["kind"]}
            self.removed.append({**kind, "metadata": metadata})
            return {}
        wanted = arguments["resource_definition"]
        live = [_made(item) for item in (wanted if isinstance(wanted, list) else [wanted])]
        self.applied += wanted if isinstance(wanted, list) else [wanted]
        return {"result": live[0] if len(live) == 1 else {"results": [{"result": item} for item in live]}}

    def _apply(self, wanted: list[Object]) -> Object:
        self.applied += wanted
        prints = {
            _key(item): {"uid": item["metadata"]["uid"], "version": "1", "fields": ""}
            for item in map(_made, wanted)
        }
        return {"objects": prints}


def run(resource: Mapping[str, Any], observed: Mapping[str, Any], language: Language | None = None) -> Run:
    """Go through the playbook for a resource and what was observed for it."""
    found = Run(language or Quick())
    (play,) = _load(PLAYBOOK)
    scope: Scope = {
        "resource": resource,
        "observed": observed,
        "field_manager": FIELD_MANAGER,
        "cluster_domain": "cluster.local",
        "service_address": "",
        "operation": "reconcile",
    }
    found.play(play, scope)
    return found


def names_a_role(task: Mapping[str, Any]) -> bool:
    """Whether the variables of a task are those of a role."""
    return "ansible.builtin.import_role" in task


@cache
def _load(path: Path) -> Any:  # noqa: ANN401 - YAML
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _made(item: Object) -> Object:
    """Return an object as the API server would answer, with a uid and a version."""
    uid = item["metadata"].get("uid") or f"uid-of-{item['kind']}-{item['metadata']['name']}"
    return {**item, "metadata": {**item["metadata"], "uid": uid, "resourceVersion": "1"}}


def _key(item: Object) -> str:
    metadata = item["metadata"]
    return f"{item['apiVersion']}/{item['kind']}/{metadata.get('namespace', '')}/{metadata['name']}"

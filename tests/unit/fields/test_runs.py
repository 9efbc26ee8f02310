"""Going through the roles without Ansible gives what Ansible's own templates give."""

import json
import subprocess
import sys
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import plain

from tools.fields.runs import Run, run
from tools.fields.surroundings import resource_of, surroundings
from tools.generate.files import CHECKOUT

SERVICE = {"type": "service", "service": {"name": "s", "port": 8000}}
LABELLED = {"type": "llamastack", "discoveryLabels": {"app": "x"}}
SPECS: dict[str, dict[str, Any]] = {
    "empty": {},
    "everything on": {
        "vllmEndpoints": [
            {"name": "e", "model": "{{ no template }}", "reasoningFamily": "qwen3", "backend": SERVICE},
            {"name": "f", "model": "n", "backend": LABELLED},
        ],
        "autoscaling": {"enabled": True},
        "ingress": {"enabled": True, "hosts": [{"host": "a", "paths": [{"path": "/"}]}]},
        "openshift": {"routes": {"enabled": True}},
        "toolsDb": [{"name": "t"}],
        "env": [{"name": "A", "value": "$1 {{ x }}"}],
        "config": {"semantic_cache": {"backend_type": "redis", "redis": {"connection": {"host": "r"}}}},
    },
    "behind a gateway": {"gateway": {"existingRef": {"name": "g", "namespace": "gateways"}}},
    "refused": {"vllmEndpoints": [{"name": "e", "model": "m", "reasoningFamily": "?", "backend": SERVICE}]},
}


def test_what_is_applied_is_what_ansible_would_apply() -> None:
    resources = [resource_of(spec) for spec in SPECS.values()]
    given = [(resource, surroundings(resource)) for resource in resources]
    command = [sys.executable, "-m", "tests.unit.fields.by_ansible"]
    done = subprocess.run(
        command,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    quick = [shown(run(resource, observed)) for resource, observed in given]
    assert quick == json.loads(done.stdout)
    assert all(applied for applied, *_ in quick[:-1])
    assert quick[-1][0] == [], "what is refused is not applied"


def shown(found: Run) -> list[Any]:
    return [plain(part) for part in (found.applied, found.removed, found.conditions, found.status)]

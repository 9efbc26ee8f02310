"""The fingerprints that a run hands back, for the playbook of the toy."""

import hashlib
import json
from collections.abc import Callable
from typing import Any


def toy_fingerprints(registered: dict[str, Any], field_manager: str) -> dict[str, dict[str, str]]:
    """Fingerprint the one object of a ``kubernetes.core.k8s`` task as docs/architecture.md says."""
    applied = registered["result"]
    metadata = applied["metadata"]
    ours = [
        entry["fieldsV1"]
        for entry in metadata["managedFields"]
        if entry["manager"] == field_manager and entry["operation"] == "Apply"
    ]
    canonical = json.dumps(ours, sort_keys=True, separators=(",", ":"))
    key = f"{applied['apiVersion']}/{applied['kind']}/{metadata['namespace']}/{metadata['name']}"
    return {key: {"uid": metadata["uid"], "fields": hashlib.sha256(canonical.encode()).hexdigest()}}


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {"toy_fingerprints": toy_fingerprints}

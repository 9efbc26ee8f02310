"""The module ``operator_sdk.util.k8s_event``: tells of something by an Event."""

DOCUMENTATION = """
module: k8s_event
short_description: Create an Event, or count one up
author: [Playbook engine contributors]
description: Creates an Event; when one of that name is there, it is counted up and gets what is given.
extends_documentation_fragment: [kubernetes.core.k8s_auth_options]
options:
  name: {description: The name of the Event., type: str, required: true}
  namespace: {description: Its namespace., type: str, required: true}
  message: {description: What has happened., type: str, default: ""}
  reason: {description: The same in one word in CamelCase., type: str, default: ""}
  type: {description: Whether it is a matter for anybody., type: str, choices: [Normal, Warning], default: Normal}
  reportingComponent: {description: Who tells it., type: str, default: "", aliases: [reporting_component]}
  source:
    description: Who tells it, as older clients show it.
    type: dict
    suboptions:
      component: {description: The name., type: str, required: true}
  involvedObject:
    description: The object that it is about.
    type: dict
    aliases: [involved_object]
    suboptions:
      apiVersion: {description: Its version., type: str, required: true}
      kind: {description: Its kind., type: str, required: true}
      name: {description: Its name., type: str, required: true}
      namespace: {description: Its namespace., type: str}
attributes:
  check_mode: {support: full, description: The API server tries the write and stores nothing.}
"""

EXAMPLES = """
- name: Tell that the site is published
  operator_sdk.util.k8s_event:
    name: published
    namespace: "{{ ansible_operator_meta.namespace }}"
    reason: Published
    message: the site answers
    involvedObject: {apiVersion: example.com/v1, kind: Site, name: site}
"""

RETURN = """
result: {description: The Event as it is now., returned: success, type: dict}
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.kubernetes.core.plugins.module_utils.ansiblemodule import AnsibleModule
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.client import get_api_client
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.core import AnsibleK8SModule
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.exceptions import CoreException
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic.exceptions import DynamicApiError, NotFoundError, ResourceNotFoundError
from urllib3.exceptions import HTTPError

FAILURES = (ApiException, CoreException, DynamicApiError, HTTPError, ResourceNotFoundError)
MERGE = "application/merge-patch+json"
INVOLVED = {
    name: {"type": "str", "required": name != "namespace"}
    for name in ("apiVersion", "kind", "name", "namespace")
}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    "message": {"type": "str", "default": ""},
    "reason": {"type": "str", "default": ""},
    "type": {"type": "str", "choices": ["Normal", "Warning"], "default": "Normal"},
    "reportingComponent": {"type": "str", "default": "", "aliases": ["reporting_component"]},
    "source": {"type": "dict", "options": {"component": {"type": "str", "required": True}}},
    "involvedObject": {"type": "dict", "aliases": ["involved_object"], "options": INVOLVED},
}


def main() -> None:
    """Run the module."""
    module = AnsibleK8SModule(
        module_class=AnsibleModule, argument_spec={**AUTH_ARG_SPEC, **ARGUMENTS}, supports_check_mode=True
    )
    try:
        result = _tell(module)
    except FAILURES as error:
        module.fail_json(msg=f"Event {module.params['name']}: {error}")
    else:
        module.exit_json(changed=True, result=result)


def _tell(module: Any) -> dict[str, Any]:  # noqa: ANN401 - of the collection
    client, given = get_api_client(module), module.params
    events = client.resource("Event", "v1")
    place = {"name": given["name"], "namespace": given["namespace"]}
    trial = {"dry_run": "All"} if module.check_mode else {}
    try:
        found = json.loads(events.get(serialize=False, **place).data)
    except NotFoundError:
        found = None
    about = found or _uid_of(client, given)
    body = event(given, about, now=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    if found:
        answer = events.patch(body=body, content_type=MERGE, serialize=False, **place, **trial)
    else:
        answer = events.create(body=body, namespace=given["namespace"], serialize=False, **trial)
    told: dict[str, Any] = json.loads(answer.data)
    return told


def _uid_of(client: Any, given: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - of the collection
    """Give what names the object that the Event is about exactly; without it people do not find it by the object."""
    about = given["involvedObject"]
    if not about:
        return {}
    kind = client.resource(about["kind"], about["apiVersion"])
    within = {"namespace": about.get("namespace") or given["namespace"]} if kind.namespaced else {}
    metadata = json.loads(kind.get(name=about["name"], serialize=False, **within).data)["metadata"]
    exact = {name: metadata[name] for name in ("uid", "resourceVersion")}
    return {"involvedObject": {**within, **exact}}


def event(given: Mapping[str, Any], before: Mapping[str, Any], *, now: str) -> dict[str, Any]:
    """Give the Event; ``before`` is the one that is there, or what is known of the object that it is about."""
    about = {name: value for name, value in (given["involvedObject"] or {}).items() if value}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": given["name"], "namespace": given["namespace"]},
        "involvedObject": {**(before.get("involvedObject") or {}), **about},
        "message": given["message"],
        "reason": given["reason"],
        "type": given["type"],
        "source": given["source"] or {"component": given["reportingComponent"]},
        "reportingComponent": given["reportingComponent"],
        "count": int(before.get("count") or 0) + 1,
        "firstTimestamp": before.get("firstTimestamp") or now,
        "lastTimestamp": now,
    }


if __name__ == "__main__":
    main()

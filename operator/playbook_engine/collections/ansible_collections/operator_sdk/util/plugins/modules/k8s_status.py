"""The module ``operator_sdk.util.k8s_status``: writes into the status of an object."""

DOCUMENTATION = """
module: k8s_status
short_description: Write into the status of an object
author: [Playbook engine contributors]
description:
  - Merges fields and conditions into the status of an object, by the status subresource where its kind has one.
  - Nothing is written when nothing differs.
extends_documentation_fragment: [kubernetes.core.k8s_auth_options]
options:
  api_version: {description: The version of the object., type: str, default: v1, aliases: [api, version]}
  kind: {description: The kind of the object., type: str, required: true}
  name: {description: The name of the object., type: str, required: true}
  namespace: {description: Its namespace; none for an object of the whole cluster., type: str}
  status: {description: Fields of the status., type: dict, default: {}}
  conditions:
    description:
      - Conditions, each with C(type), C(status) and maybe C(reason), C(message), C(lastTransitionTime) and others.
      - One whose C(status) is another than before gets a new C(lastTransitionTime), unless it has one itself.
    type: list
    elements: dict
    default: []
  force:
    description: Whether the status becomes exactly what is given, instead of being merged with what is there.
    type: bool
    default: false
  replace_lists:
    description: Whether lists become those that are given, instead of being added to.
    type: bool
    default: false
attributes:
  check_mode: {support: full, description: The API server tries the write and stores nothing.}
"""

EXAMPLES = """
- name: Tell where the site is
  operator_sdk.util.k8s_status:
    api_version: example.com/v1
    kind: Site
    name: "{{ ansible_operator_meta.name }}"
    namespace: "{{ ansible_operator_meta.namespace }}"
    status: {url: "https://{{ host }}"}
    conditions: [{type: Published, status: "True", reason: Reachable, message: it answers}]
"""

RETURN = """
result: {description: The object as it is now., returned: success, type: dict}
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ansible_collections.kubernetes.core.plugins.module_utils.ansiblemodule import AnsibleModule
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.client import get_api_client
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.core import AnsibleK8SModule
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.exceptions import CoreException
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic.exceptions import DynamicApiError, ResourceNotFoundError
from urllib3.exceptions import HTTPError

FAILURES = (ApiException, CoreException, DynamicApiError, HTTPError, ResourceNotFoundError)
MERGE = "application/merge-patch+json"
STATUSES = ("True", "False", "Unknown")
ARGUMENTS: dict[str, dict[str, Any]] = {
    "api_version": {"type": "str", "default": "v1", "aliases": ["api", "version"]},
    "kind": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str"},
    "status": {"type": "dict", "default": {}},
    "conditions": {"type": "list", "elements": "dict", "default": []},
    "force": {"type": "bool", "default": False},
    "replace_lists": {"type": "bool", "default": False},
}


def main() -> None:
    """Run the module."""
    module = AnsibleK8SModule(
        module_class=AnsibleModule, argument_spec={**AUTH_ARG_SPEC, **ARGUMENTS}, supports_check_mode=True
    )
    given = module.params
    problem = wrong_condition(given["conditions"])
    if problem:
        module.fail_json(msg=problem)
    try:
        changed, result = _write(module, given)
    except FAILURES as error:
        module.fail_json(msg=f"status of {given['kind']} {given['name']}: {_words(error)}")
    else:
        module.exit_json(changed=changed, result=result)


def _write(module: Any, given: Mapping[str, Any]) -> tuple[bool, dict[str, Any]]:  # noqa: ANN401 - of the collection
    resource = get_api_client(module).resource(given["kind"], given["api_version"])
    place = {"name": given["name"], **({"namespace": given["namespace"]} if resource.namespaced else {})}
    found: dict[str, Any] = json.loads(resource.get(serialize=False, **place).data)
    old = found.get("status") or {}
    new = wanted_status(old, given, now=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    if new == old:
        return False, found
    writer = resource.subresources.get("status") or resource
    trial = {"dry_run": "All"} if module.check_mode else {}
    answer = writer.patch(
        body={"status": difference(old, new)}, content_type=MERGE, serialize=False, **place, **trial
    )
    return True, json.loads(answer.data)


def wrong_condition(conditions: Sequence[Mapping[str, Any]]) -> str:
    """Say what is wrong with a condition, empty when nothing is."""
    for number, one in enumerate(conditions):
        if not one.get("type"):
            return f"conditions[{number}]: has no type"
        if one.get("status") not in STATUSES:
            return f"conditions[{number}].status: {one.get('status')!r} is none of {', '.join(STATUSES)}"
    return ""


def wanted_status(old: Mapping[str, Any], given: Mapping[str, Any], *, now: str) -> dict[str, Any]:
    """Give the status as it shall be."""
    fields = dict(given["status"])
    asked = [*(fields.pop("conditions", None) or []), *given["conditions"]]
    new = fields if given["force"] else merged(old, fields, replace_lists=given["replace_lists"])
    kept = [] if given["force"] else list(old.get("conditions") or [])
    before = {one.get("type"): one for one in old.get("conditions") or []}
    for one in asked:
        told = _condition(before.get(one["type"]), one, now)
        places = [index for index, other in enumerate(kept) if other.get("type") == one["type"]]
        kept[places[0] if places else len(kept) : places[0] + 1 if places else len(kept)] = [told]
    if kept or asked:
        new["conditions"] = kept
    return new


def _condition(before: Mapping[str, Any] | None, given: Mapping[str, Any], now: str) -> dict[str, Any]:
    same = before is not None and before.get("status") == given["status"]
    since = before.get("lastTransitionTime") if same and before else None
    return {**(before or {}), "lastTransitionTime": since or now, **given}


def merged(old: Mapping[str, Any], new: Mapping[str, Any], *, replace_lists: bool) -> dict[str, Any]:
    """Merge mappings at every depth; what lists have already is not added to them."""
    result = dict(old)
    for name, value in new.items():
        here = result.get(name)
        if isinstance(here, Mapping) and isinstance(value, Mapping):
            result[name] = merged(here, value, replace_lists=replace_lists)
        elif isinstance(here, list) and isinstance(value, list) and not replace_lists:
            result[name] = [*here, *(item for item in value if item not in here)]
        else:
            result[name] = value
    return result


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Give the merge patch (RFC 7386) that makes the new of the old."""
    patch: dict[str, Any] = dict.fromkeys(old.keys() - new.keys())
    for name, value in new.items():
        here = old.get(name)
        if isinstance(here, Mapping) and isinstance(value, Mapping):
            below = difference(here, value)
            patch |= {name: below} if below else {}
        elif name not in old or here != value:
            patch[name] = value
    return patch


def _words(error: Exception) -> str:
    """Give the API server's own words."""
    try:
        return str(json.loads(getattr(error, "body", None) or b"{}").get("message") or error)
    except (ValueError, AttributeError):
        return str(error)


if __name__ == "__main__":
    main()

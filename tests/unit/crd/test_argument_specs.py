"""The roles' argument specifications, judged by Ansible's own validator, and the roles' READMEs."""

import copy
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from tests.unit.crd.schemas import CHECKOUT, by_path, version

ROLES = ("backends", "cache", "gateway", "openshift", "persistence", "router")
MANIFESTS = sorted((CHECKOUT / "tests" / "integration" / "testdata" / "crd" / "readme").glob("*.yaml"))
EVERY_ROLE = pytest.mark.parametrize("role", ROLES)


def load(path: Path) -> Any:  # noqa: ANN401 -- YAML
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@cache
def options_of(role: str) -> dict[str, Any]:
    specification = load(CHECKOUT / "roles" / role / "meta" / "argument_specs.yml")
    options: dict[str, Any] = specification["argument_specs"]["main"]["options"]
    return options


def spec_options(role: str) -> dict[str, Any]:
    options: dict[str, Any] = options_of(role)[f"{role}_resource"]["options"]["spec"]["options"]
    return options


def errors(role: str, resource: object) -> list[str]:
    """What Ansible says when the role starts with this resource."""
    validator = ArgumentSpecValidator(options_of(role))
    messages: list[str] = validator.validate({f"{role}_resource": copy.deepcopy(resource)}).error_messages
    return messages


def router(**spec: object) -> dict[str, Any]:
    return {
        "apiVersion": "vllm.ai/v1alpha1",
        "kind": "SemanticRouter",
        "metadata": {"name": "a"},
        "spec": spec,
    }


def nested(options: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, option in options.items():
        here = f"{path}.{name}" + ("[]" if option["type"] == "list" else "")
        yield here, option
        yield from nested(option.get("options", {}), here)


@EVERY_ROLE
@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_a_role_takes_every_documented_manifest(role: str, path: Path) -> None:
    assert errors(role, load(path)) == []


@EVERY_ROLE
def test_a_role_needs_the_resource(role: str) -> None:
    messages = ArgumentSpecValidator(options_of(role)).validate({}).error_messages
    assert messages == [f"missing required arguments: {role}_resource"]


@EVERY_ROLE
def test_a_role_knows_every_field_of_the_specification_by_name(role: str) -> None:
    """A field that it does not know would be refused, though the role need not read it."""
    assert spec_options(role).keys() == by_path()["spec"].schema["properties"].keys()


@EVERY_ROLE
def test_nothing_inside_the_resource_has_a_default(role: str) -> None:
    """Ansible would write it into the resource, and a role could not tell it from what the user wrote."""
    assert [path for path, option in nested(spec_options(role), "spec") if "default" in option] == []


@EVERY_ROLE
def test_every_option_is_described_and_a_field_of_the_crd(role: str) -> None:
    for path, option in nested(spec_options(role), "spec"):
        assert option["description"], path
        assert path in by_path(), path


@EVERY_ROLE
def test_what_the_crd_fills_in_is_told_in_words(role: str) -> None:
    for path, option in nested(spec_options(role), "spec"):
        default = by_path()[path].schema.get("default")
        if isinstance(default, str | bool | int):
            assert (
                f"default is {str(default).lower() if isinstance(default, bool) else default}."
                in (option["description"])
            )


@pytest.mark.parametrize(
    ("role", "spec", "words"),
    [
        ("backends", {"vllmEndpoints": [{"name": "a", "model": "m"}]}, "missing required arguments: backend"),
        (
            "backends",
            {"vllmEndpoints": [{"name": "a", "model": "m", "backend": {"type": "vm"}}]},
            "value of type must be one of: kserve, llamastack, service",
        ),
        ("cache", {"config": {"semantic_cache": {"ttl_seconds": "soon"}}}, "unable to convert to int"),
        (
            "cache",
            {"config": {"semantic_cache": {"reddis": {}}}},
            "semantic_cache.reddis. Supported parameters include",
        ),
        ("persistence", {"persistence": "yes please"}, "unable to convert to dict"),
        ("gateway", {"gateway": {"existingRef": {"name": "a"}}}, "missing required arguments: namespace"),
        ("openshift", {"openshift": {"routes": {"enabled": "perhaps"}}}, "unable to convert to bool"),
        ("router", {"image": {"pullPolicy": "Sometimes"}}, "value of pullPolicy must be one of"),
        ("router", {"livenessProbe": {"periodSeconds": []}}, "unable to convert to int"),
    ],
)
def test_a_role_refuses_what_does_not_fit_a_field_that_it_reads(
    role: str, spec: dict[str, object], words: str
) -> None:
    assert words.lower() in " ".join(errors(role, router(**spec))).lower()


def test_a_role_does_not_judge_a_field_that_another_role_reads() -> None:
    assert errors("persistence", router(vllmEndpoints="not a list")) == []


def test_secrets_in_plain_text_are_kept_out_of_what_ansible_prints() -> None:
    hidden = {
        path.rpartition(".")[2]
        for path, option in nested(spec_options("cache"), "spec")
        if option.get("no_log")
    }
    assert hidden == {"password", "api_key"}


@EVERY_ROLE
def test_a_readme_tells_the_variables_the_condition_and_the_fields_that_are_read(role: str) -> None:
    text = (CHECKOUT / "roles" / role / "README.md").read_text(encoding="utf-8")
    assert text.splitlines()[2] == f"# {role}"
    assert "Ready` is true when" in text
    for variable in options_of(role):
        assert f"| `{variable}` |" in text
    read = [
        path for path, option in nested(spec_options(role), "spec") if option["type"] not in {"raw", "dict"}
    ]
    assert len(read) >= 3
    for path in read:
        assert f"| `{path.removeprefix('spec.').removesuffix('[]')}` |" in text


@EVERY_ROLE
def test_the_example_of_a_readme_is_a_resource_that_the_role_takes(role: str) -> None:
    text = (CHECKOUT / "roles" / role / "README.md").read_text(encoding="utf-8")
    (play,) = yaml.safe_load(text.partition("```yaml\n")[2].partition("```")[0])
    _, task = play["tasks"]
    assert task["ansible.builtin.include_role"] == {"name": f"vllm.semantic_router.{role}"}
    assert task["vars"] == {f"{role}_resource": "{{ router }}", f"{role}_observed": "{{ seen.observed }}"}
    resource = play["vars"]["router"]
    assert errors(role, resource) == []
    assert resource["apiVersion"].partition("/")[2] == version()["name"]

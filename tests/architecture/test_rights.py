"""The operator's ClusterRole allows what ``watches.yaml`` needs, and nothing else."""

from collections.abc import Iterator

import yaml

from playbook_engine.watches.reading import read_watches
from playbook_engine.watches.records import ReadMode, Watch
from tests.architecture.sources import CHECKOUT

READ = {"get", "list", "watch"}
WRITE = READ | {"create", "patch", "delete"}
OF_THE_ENGINE = {
    ("apiextensions.k8s.io", "customresourcedefinitions"): READ,
    ("", "namespaces"): READ,
    ("", "events"): {"create", "patch"},
}
OF_THE_API_SERVER = {("route.openshift.io", "routes/custom-host"): {"create", "update"}}
"""Rights that an API server asks for beside the one on the object."""

type Rights = dict[tuple[str, str], set[str]]


def plural(kind: str) -> str:
    """Return the resource name of a kind, by the rule that all kinds here follow."""
    lower = kind.lower()
    return (
        f"{lower}es"
        if lower.endswith(("s", "x"))
        else lower[:-1] + "ies"
        if lower.endswith("cy")
        else f"{lower}s"
    )


def granted() -> Rights:
    rights: Rights = {}
    directory = CHECKOUT / "deploy" / "rbac"
    names = yaml.safe_load((directory / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
    objects = [item for name in names for item in yaml.safe_load_all((directory / name).read_text("utf-8"))]
    for rule in [rule for item in objects if item["kind"] == "ClusterRole" for rule in item["rules"]]:
        assert set(rule) == {"apiGroups", "resources", "verbs"}
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                rights.setdefault((group, resource), set()).update(rule["verbs"])
    return rights


def needed_by(watch: Watch) -> Iterator[tuple[tuple[str, str], set[str]]]:
    primary = (watch.gvk.group, plural(watch.gvk.kind))
    yield primary, READ | ({"patch"} if watch.finalizer else set())
    yield (primary[0], f"{primary[1]}/status"), {"get", "patch"}
    yield (primary[0], f"{primary[1]}/finalizers"), {"update"}
    for owned in watch.owns:
        verbs = WRITE if owned.mode is ReadMode.WATCH else WRITE - {"list", "watch"}
        yield (owned.gvk.group, plural(owned.gvk.kind)), verbs
    for reference in watch.references:
        verbs = {"get"} if reference.mode is ReadMode.POLL else READ
        yield (reference.gvk.group, plural(reference.gvk.kind)), verbs
    for glimpse in watch.glimpses:
        yield (glimpse.gvk.group, plural(glimpse.gvk.kind)), {"list"}


def needed() -> Rights:
    rights: Rights = {key: set(verbs) for key, verbs in (OF_THE_ENGINE | OF_THE_API_SERVER).items()}
    for watch in read_watches(CHECKOUT / "watches.yaml", {}):
        for key, verbs in needed_by(watch):
            rights.setdefault(key, set()).update(verbs)
    return rights


def test_the_operator_has_the_rights_that_watches_yaml_needs_and_no_other() -> None:
    assert granted() == needed()


def test_the_lease_is_the_only_thing_that_may_be_written_in_the_operators_own_namespace() -> None:
    text = (CHECKOUT / "deploy" / "rbac" / "leader_election_role.yaml").read_text(encoding="utf-8")
    create, change = yaml.safe_load(text)["rules"]
    leases = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"]}
    assert create == {**leases, "verbs": ["create"]}, "a name cannot narrow the right to create"
    assert change == {**leases, "resourceNames": ["semantic-router-operator"], "verbs": ["get", "update"]}


def test_secrets_can_only_be_read_by_name() -> None:
    assert not granted()["", "secrets"] & {"list", "watch"}


def test_no_rule_has_a_wildcard() -> None:
    for (group, resource), verbs in granted().items():
        assert "*" not in {group, resource, *verbs}

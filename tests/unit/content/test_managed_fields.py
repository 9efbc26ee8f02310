"""Who has set a field: what is ours to remove, and who writes where we do."""

from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.managed_fields import (
    NOBODY,
    disowning,
    folding,
    is_applied_by,
    people,
    rival,
)
from hypothesis import given
from hypothesis import strategies as st

Entry = dict[str, Any]


def folded(entries: list[Entry], manager: str, superseded: tuple[str, ...] = ()) -> list[Entry] | None:
    """Return the accounts after the patch; None when there is none."""
    operations = folding(entries, manager, superseded)
    after = list(entries)
    for one in operations:
        index = one["path"].removeprefix("/metadata/managedFields/")
        if one["op"] == "test":
            assert after[int(index)] == one["value"]
        elif one["op"] == "remove":
            del after[int(index)]
        else:
            assert (one["op"], index) == ("add", "-")
            after.append(one["value"])
    return after if operations else None


def entry(manager: str = "us", operation: str = "Apply", *, subresource: str = "", **fields: Any) -> Entry:  # noqa: ANN401
    found: Entry = {"manager": manager, "operation": operation, "apiVersion": "v1", "time": "t"}
    found["fieldsV1"] = {f"f:{name}": value for name, value in fields.items()}
    return {**found, "subresource": subresource} if subresource else found


def test_what_we_created_becomes_what_we_applied() -> None:
    (found,) = folded([entry(operation="Update", data={"f:a": {}})], "us") or []
    assert (found["manager"], found["operation"]) == ("us", "Apply")
    assert found["fieldsV1"] == {"f:data": {"f:a": {}}}


def test_what_an_earlier_operator_wrote_joins_what_we_applied() -> None:
    older = entry("manager", "Update", spec={"f:a": {}, "f:b": {"f:c": {}}})
    (found,) = folded([entry(spec={"f:b": {"f:d": {}}}), older], "us", ("manager",)) or []
    assert found["fieldsV1"] == {"f:spec": {"f:a": {}, "f:b": {"f:c": {}, "f:d": {}}}}
    assert found["manager"] == "us"


def test_accounts_of_others_and_of_subresources_stay() -> None:
    others = [entry("kubectl-edit", "Update", data={}), entry("manager", "Update", subresource="status")]
    found = folded([*others, entry(operation="Update", data={})], "us", ("manager",)) or []
    assert found[:2] == others
    assert folded([*others, entry(data={})], "us", ("manager",)) is None


def test_what_an_earlier_operator_applied_is_no_account_of_ours() -> None:
    assert folded([entry("manager", "Apply", data={}), entry(data={})], "us", ("manager",)) is None


TREES: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.just({}), lambda inner: st.dictionaries(st.sampled_from(["f:a", "f:b", "k:{}"]), inner, max_size=3), max_leaves=8
)  # fmt: skip


def leaves(tree: dict[str, Any], path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    return {path}.union(*(leaves(inner, (*path, name)) for name, inner in tree.items()))


@given(st.lists(TREES, min_size=1, max_size=3))
def test_no_field_is_lost_or_made_up(trees: list[dict[str, Any]]) -> None:
    entries = [{**entry(operation="Update"), "fieldsV1": tree} for tree in trees]
    (found,) = folded(entries, "us") or []
    assert leaves(found["fieldsV1"]) == set().union(*map(leaves, trees))
    assert folded([found], "us") is None


def test_what_we_have_applied_is_taken_from_the_account_of_nobody() -> None:
    nobody = entry(NOBODY, "Update", spec={"f:a": {}, "f:b": {"f:c": {}, "f:theirs": {}}}, theirs={})
    operations = disowning([entry("us", spec={"f:a": {}, "f:b": {"f:c": {}}}), nobody], "us")
    assert operations == [
        {"op": "test", "path": "/metadata/managedFields/1", "value": nobody},
        {
            "op": "replace",
            "path": "/metadata/managedFields/1/fieldsV1",
            "value": {"f:spec": {"f:b": {"f:theirs": {}}}, "f:theirs": {}},
        },
    ]


def test_what_others_have_put_below_a_field_of_ours_stays_theirs() -> None:
    nobody = entry(NOBODY, "Update", volume={"f:medium": {}})
    assert disowning([entry("us", volume={}), nobody], "us") == []


def test_nothing_is_taken_twice_nor_from_anybody_who_has_a_name() -> None:
    ours = entry("us", spec={"f:a": {}})
    assert disowning([ours, entry(NOBODY, "Update", spec={"f:b": {}})], "us") == []
    assert disowning([ours, entry("kubectl-edit", "Update", spec={"f:a": {}})], "us") == []
    assert disowning([entry(NOBODY, "Update", spec={"f:a": {}})], "us") == []


@given(st.lists(TREES, min_size=2, max_size=2))
def test_of_the_account_of_nobody_the_leaves_that_are_ours_go_and_no_others(
    trees: list[dict[str, Any]],
) -> None:
    ours, theirs = trees
    nobody = {**entry(NOBODY, "Update"), "fieldsV1": theirs}
    operations = disowning([{**entry("us"), "fieldsV1": ours}, nobody], "us")
    left = operations[1]["value"] if operations else theirs
    assert ends(left) == ends(theirs) - leaves(ours)


def ends(tree: dict[str, Any]) -> set[tuple[str, ...]]:
    """Return the fields below which there is nothing."""
    found = leaves(tree) - {()}
    return {path for path in found if not any(one[: len(path)] == path and one != path for one in found)}


def test_a_field_is_ours_when_we_applied_it() -> None:
    entries = [entry(spec={"f:replicas": {}}), entry("other", spec={"f:x": {}})]
    assert is_applied_by(entries, "us", ("spec", "replicas"))
    assert not is_applied_by(entries, "us", ("spec", "x"))
    assert not is_applied_by([entry(operation="Update", spec={"f:replicas": {}})], "us", ("spec", "replicas"))


def writer(
    manager: str = "us", operation: str = "Apply", time: str = "2026-01-01T00:00:00Z", *fields: str
) -> Entry:
    return {"manager": manager, "operation": operation, "time": time, "fields": list(fields or ("spec",))}


def test_an_earlier_operator_that_writes_after_us_is_a_rival() -> None:
    theirs = writer("manager", "Update")
    assert rival([writer(), theirs], "us") == theirs


def test_one_that_wrote_before_we_came_is_none() -> None:
    assert rival([writer("manager", "Update")], "us") is None


def test_whoever_writes_nothing_but_metadata_or_by_another_name_is_none() -> None:
    assert rival([writer(), writer("manager", "Update", "t", "metadata")], "us") is None
    assert rival([writer(), writer("kubectl-edit", "Update")], "us") is None


def test_the_account_of_the_object_itself_tells_the_same() -> None:
    theirs = entry("manager", "Update", metadata={}, spec={})
    assert rival([entry(spec={}), theirs], "us") == theirs
    assert rival([entry(spec={}), entry("manager", "Update", metadata={})], "us") is None
    assert rival([entry(spec={}), entry("manager", "Update", subresource="status", status={})], "us") is None


def test_controllers_of_kubernetes_are_not_people() -> None:
    assert people([entry("kubectl-create", "Update"), entry("kube-controller-manager", "Update")]) == {
        "kubectl-create"
    }

"""A right ``watches.yaml`` becomes records that say the same."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook_engine.expressions import Expression
from playbook_engine.objects import GroupVersionKind
from playbook_engine.watches.errors import WatchesFileError
from playbook_engine.watches.reading import read_watches
from playbook_engine.watches.records import (
    Case,
    Command,
    DerivedCondition,
    DerivedField,
    Finalizer,
    OwnedKind,
    ReadMode,
    Reference,
    Shown,
    Watch,
)

PLAYBOOK = Path(__file__).parent / "testdata" / "playbooks" / "reconcile.yml"
ENTRY = f"- version: v1\n  kind: Pot\n  playbook: {PLAYBOOK}\n"

EVERYTHING = """\
- group: example.com
  version: v1alpha1
  kind: Pot
  playbook: playbooks/reconcile.yml
  finalizer:
    name: example.com/pot
    playbook: playbooks/finalize.yml
    vars: {keep: [1, 2.5, true, null, 2026-01-01]}
  fieldManager: potter
  reconcilePeriod: 1h30m
  runTimeout: 45s
  triggerAnnotations: [example.com/at]
  inProcessModules: [example.pots.bake]
  vars:
    domain: ${DOMAIN:-cluster.local}
  owns:
    - {version: v1, kind: Service, names: "[resource.metadata.name]"}
    - {group: apps, version: v1, kind: Deployment, inputs: "object.status"}
    - {version: v1, kind: Secret, names: "resource.spec.secrets", watch: false, pollPeriod: 5s}
  references:
    by_name:
      version: v1
      kind: Secret
      names: &names "resource.spec.secrets"
      projection: "metadata.{uid: uid}"
      watch: false
      pollPeriod: ${POLL_PERIOD:-5s}
    by_label: {version: v1, kind: Service, labels: resource.spec.labels, watch: true}
    all: {group: storage.k8s.io, version: v1, kind: StorageClass, every: true}
    again: {version: v1, kind: Service, names: *names}
  status:
    values: {door: "owned.Door[0]"}
    fields:
      replicas: "owned.Deployment[0].status.replicas || `0`"
      phase:
        - {when: "owned.Deployment[0]", value: Running}
        - {value: Pending}
    conditions:
      - type: Available
        cases:
          - {when: "owned.Deployment[0]", status: True, reason: Found, messageFrom: "join('', ['a'])"}
          - {status: "Unknown", reason: NotFound, message: no Deployment}
      - type: Open
        refines: true
        cases:
          - {status: "False", reason: Locked, reasonFrom: values.door.why, message: it is locked}
    neutral: [SomethingIgnored]
  commands:
    bake: {playbook: playbooks/reconcile.yml, shows: files, help: bake it}
    look-at: {playbook: playbooks/reconcile.yml}
"""


def read(text: str, directory: Path, environ: Mapping[str, str] | None = None) -> tuple[Watch, ...]:
    file = directory / "watches.yaml"
    file.write_text(text, encoding="utf-8")
    return read_watches(file, environ or {})


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "playbooks").mkdir()
    for name in ("reconcile", "finalize"):
        (tmp_path / "playbooks" / f"{name}.yml").write_text("[]\n")
    return tmp_path


def gvk(group: str, version: str, kind: str) -> GroupVersionKind:
    return GroupVersionKind(group=group, version=version, kind=kind)


def test_every_key_becomes_its_record(directory: Path) -> None:
    names = Expression("resource.spec.secrets")
    found = Expression("owned.Deployment[0]")
    assert read(EVERYTHING, directory) == (
        Watch(
            gvk=gvk("example.com", "v1alpha1", "Pot"),
            playbook=directory / "playbooks/reconcile.yml",
            field_manager="potter",
            finalizer=Finalizer(
                name="example.com/pot",
                playbook=directory / "playbooks/finalize.yml",
                vars={"keep": [1, 2.5, True, None, "2026-01-01"]},
            ),
            reconcile_seconds=5400.0,
            run_timeout_seconds=45.0,
            trigger_annotations=("example.com/at",),
            in_process_modules=("example.pots.bake",),
            vars={"domain": "cluster.local"},
            owns=(
                OwnedKind(gvk=gvk("", "v1", "Service"), names=Expression("[resource.metadata.name]")),
                OwnedKind(gvk=gvk("apps", "v1", "Deployment"), inputs=Expression("object.status")),
                OwnedKind(gvk=gvk("", "v1", "Secret"), names=names, mode=ReadMode.POLL, poll_seconds=5.0),
            ),
            references=(
                Reference(
                    name="by_name",
                    gvk=gvk("", "v1", "Secret"),
                    names=names,
                    projection=Expression("metadata.{uid: uid}"),
                    mode=ReadMode.POLL,
                    poll_seconds=5.0,
                ),
                Reference(
                    name="by_label", gvk=gvk("", "v1", "Service"), labels=Expression("resource.spec.labels")
                ),
                Reference(name="all", gvk=gvk("storage.k8s.io", "v1", "StorageClass"), every=True),
                Reference(name="again", gvk=gvk("", "v1", "Service"), names=names),
            ),
            values=(DerivedField(name="door", expression=Expression("owned.Door[0]")),),
            fields=(
                DerivedField(
                    name="replicas", expression=Expression("owned.Deployment[0].status.replicas || `0`")
                ),
                DerivedField(
                    name="phase",
                    cases=(
                        Case(when=found, value={"value": "Running"}),
                        Case(when=None, value={"value": "Pending"}),
                    ),
                ),
            ),
            conditions=(
                DerivedCondition(
                    type="Available",
                    cases=(
                        Case(
                            when=found,
                            value={
                                "status": "True",
                                "reason": "Found",
                                "messageFrom": Expression("join('', ['a'])"),
                            },
                        ),
                        Case(
                            when=None,
                            value={"status": "Unknown", "reason": "NotFound", "message": "no Deployment"},
                        ),
                    ),
                ),
                DerivedCondition(
                    type="Open",
                    refines=True,
                    cases=(
                        Case(
                            when=None,
                            value={
                                "status": "False",
                                "reason": "Locked",
                                "reasonFrom": Expression("values.door.why"),
                                "message": "it is locked",
                            },
                        ),
                    ),
                ),
            ),
            neutral=("SomethingIgnored",),
            commands=(
                Command(
                    name="bake",
                    playbook=directory / "playbooks/reconcile.yml",
                    shows=Shown.FILES,
                    help="bake it",
                ),
                Command(
                    name="look-at",
                    playbook=directory / "playbooks/reconcile.yml",
                    shows=Shown.PLAY,
                    help="run reconcile.yml",
                ),
            ),
        ),
    )


def test_having_finds_items_by_a_value_from_outside_of_the_list() -> None:
    doors = {"doors": [{"colour": "red"}, {"colour": "blue"}, {}], "wanted": "blue"}
    assert Expression("having(doors, &colour, wanted)").search(doors) == [{"colour": "blue"}]
    assert Expression("having(nothing, &colour, wanted)").search(doors) == []


def test_an_entry_with_the_least_keys_has_the_defaults(tmp_path: Path) -> None:
    (watch,) = read(ENTRY, tmp_path)
    assert watch == Watch(
        gvk=gvk("", "v1", "Pot"),
        playbook=PLAYBOOK,
        field_manager="pot-playbook-engine",
        reconcile_seconds=36_000.0,
        run_timeout_seconds=600.0,
    )


def test_entries_may_stand_under_watches(tmp_path: Path) -> None:
    indented = ENTRY.replace("\n", "\n  ").rstrip()
    assert read(f"watches:\n  {indented}\n", tmp_path) == read(ENTRY, tmp_path)


def test_a_kind_may_be_watched_in_two_groups_or_versions(tmp_path: Path) -> None:
    other = f"- {{group: example.com, version: v1, kind: Pot, playbook: {PLAYBOOK}}}\n"
    newer = f"- {{group: example.com, version: v2, kind: Pot, playbook: {PLAYBOOK}}}\n"
    assert [str(watch.gvk) for watch in read(ENTRY + other + newer, tmp_path)] == [
        "v1/Pot",
        "example.com/v1/Pot",
        "example.com/v2/Pot",
    ]


def test_a_null_is_as_if_the_key_were_not_there(tmp_path: Path) -> None:
    nothing = "  finalizer:\n  vars:\n  owns:\n  references:\n  status: {fields: , conditions: }\n"
    assert read(ENTRY + nothing, tmp_path) == read(ENTRY, tmp_path)


def test_an_empty_group_is_the_core_group(tmp_path: Path) -> None:
    assert read(ENTRY + '  group: ""\n', tmp_path) == read(ENTRY, tmp_path)


def test_reconcile_period_zero_switches_resyncs_off(tmp_path: Path) -> None:
    (watch,) = read(ENTRY + "  reconcilePeriod: 0\n", tmp_path)
    assert watch.reconcile_seconds == 0.0


def test_merge_keys_are_resolved_and_own_keys_win(tmp_path: Path) -> None:
    text = ENTRY + (
        "  references:\n"
        "    one: &one {version: v1, kind: Pan, names: a, projection: p}\n"
        "    two: {<<: *one, names: b}\n"
        "    three: {<<: [{kind: Lid}, *one]}\n"
    )
    (watch,) = read(text, tmp_path)
    found = [(ref.gvk.kind, ref.names and ref.names.text) for ref in watch.references]
    assert found == [("Pan", "a"), ("Pan", "b"), ("Lid", "a")]
    assert {ref.projection for ref in watch.references} == {Expression("p")}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${SET}", "x"),
        ("a-${SET}-${SET}", "a-x-x"),
        ("${SET:-d}", "x"),
        ("${UNSET:-d}", "d"),
        ("${UNSET:-}", ""),
        ("${EMPTY}", ""),
        ("${EMPTY:-d}", "d"),
        ("${UNSET:-a:-b c}", "a:-b c"),
        ("$${SET}", "${SET}"),
        ("$SET", "$SET"),
        ("$", "$"),
        ("{{ a }}", "{{ a }}"),
    ],
)
def test_environment_variables_are_expanded_in_texts(text: str, value: str, tmp_path: Path) -> None:
    environ = {"SET": "x", "EMPTY": ""}
    (watch,) = read(
        ENTRY + f"  vars:\n    one: '{text}'\n    deep: {{list: ['{text}']}}\n", tmp_path, environ
    )
    assert watch.vars == {"one": value, "deep": {"list": [value]}}


def test_an_expanded_text_is_not_expanded_again(tmp_path: Path) -> None:
    (watch,) = read(ENTRY + "  vars: {one: '${A}'}\n", tmp_path, {"A": "${B}"})
    assert watch.vars == {"one": "${B}"}


def test_an_expanded_text_stays_a_text(tmp_path: Path) -> None:
    (watch,) = read(ENTRY + "  vars: {one: '${A}'}\n", tmp_path, {"A": "1"})
    assert watch.vars == {"one": "1"}


@given(
    text=st.text(
        alphabet=st.sampled_from("-:{}[]&*!|>'\"%@#? \n\tabversionkd1"),
        max_size=60,
    )
)
def test_any_text_is_records_or_problems(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("any")
    try:
        watches = read(text, directory)
    except WatchesFileError as error:
        assert error.problems  # noqa: PT017 - either end is right, and each has its fact
    else:
        assert watches


def test_a_role_is_looked_for_beside_the_file_and_a_selector_is_read(tmp_path: Path) -> None:
    (tmp_path / "roles" / "pot").mkdir(parents=True)
    (tmp_path / "watches.yaml").write_text(
        "- {version: v1, kind: Pot, role: pot, selector: {matchLabels: {a: b}}}\n"
    )
    (watch,) = read_watches(tmp_path / "watches.yaml", {})
    assert watch.playbook == tmp_path / "roles" / "pot"
    assert watch.selector.selects({"metadata": {"labels": {"a": "b"}}})
    assert not watch.selector.selects({"metadata": {}})

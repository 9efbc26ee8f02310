"""A ``watches.yaml`` of ansible-operator means what it means there."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from playbook_engine.objects import GroupVersionKind
from playbook_engine.selectors import Operator, Requirement
from playbook_engine.settings.choices import Compatibility
from playbook_engine.watches.errors import WatchesFileError
from playbook_engine.watches.expanding import expanded
from playbook_engine.watches.reading import Given, read_watches, switch_of
from playbook_engine.watches.records import Dependents, Finalizer, Parameters, Watch
from playbook_engine.watches.theirs import Defaults

THEIRS = Given(compatibility=Compatibility.ANSIBLE_OPERATOR)
ENTRY = "- {version: v1alpha1, group: example.com, kind: Pot, playbook: pot.yml"


@dataclass(frozen=True)
class Project:
    """A project in the working directory; what it says is in the form of ansible-operator."""

    root: Path

    def read(self, text: str, environ: Mapping[str, str] | None = None, given: Given = THEIRS) -> Watch:
        """Read a file with one entry."""
        (watch,) = self.all(text, environ, given)
        return watch

    def all(
        self, text: str, environ: Mapping[str, str] | None = None, given: Given = THEIRS
    ) -> tuple[Watch, ...]:
        """Read a file, which lies somewhere else."""
        file = self.root / "elsewhere" / "watches.yaml"
        file.write_text(text)
        return read_watches(file, {"HOME": str(self.root / "home"), **(environ or {})}, given)

    def problems(self, text: str, environ: Mapping[str, str] | None = None) -> list[str]:
        """Give what is wrong with a file."""
        with pytest.raises(WatchesFileError) as raised:
            self.all(text, environ)
        return [f"{one.line}: {one.key}: {one.what}" for one in raised.value.problems]

    def role(self, *parts: str) -> Path:
        """Make a role."""
        path = self.root.joinpath(*parts)
        path.mkdir(parents=True)
        return path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    for name in ("pot.yml", "farewell.yml"):
        (tmp_path / name).write_text("[]\n")
    return Project(tmp_path)


def test_an_entry_that_says_no_more_than_it_must_has_their_defaults(project: Project) -> None:
    watch = project.read(ENTRY + "}")
    assert watch == Watch(
        gvk=GroupVersionKind(group="example.com", version="v1alpha1", kind="Pot"),
        playbook=project.root / "pot.yml",
        field_manager="pot-playbook-engine",
        compatibility=Compatibility.ANSIBLE_OPERATOR,
        reconcile_seconds=36_000.0,
        parameters=Parameters(snake_case=True, unsafe=False),
        dependents=Dependents(watch=True, cluster_scoped=False, ignored=(), inject_owner=True),
        manage_status=True,
        watch_annotations=False,
    )


def test_every_key_is_read(project: Project) -> None:
    watch = project.read(f"""
{ENTRY}
   , vars: {{size: 3, text: "a"}}, maxRunnerArtifacts: 0, reconcilePeriod: 1h0m5s, manageStatus: false
   , watchDependentResources: false, watchClusterScopedResources: true, snakeCaseParameters: false
   , watchAnnotationsChanges: true, markUnsafe: true, blacklist: [{{group: "", version: v1, kind: Pod}}]
   , selector: {{matchLabels: {{app: pots}}, matchExpressions: [{{key: tier, operator: NotIn, values: [a, b]}}]}} }}
""")
    assert watch.vars == {"size": 3, "text": "a"}
    assert watch.reconcile_seconds == 3605.0
    assert not watch.manage_status
    assert watch.watch_annotations
    assert watch.parameters == Parameters(snake_case=False, unsafe=True)
    pod = GroupVersionKind(group="", version="v1", kind="Pod")
    assert watch.dependents == Dependents(watch=False, cluster_scoped=True, ignored=(pod,))
    assert watch.selector.requirements == (
        Requirement(key="app", operator=Operator.IN, values=("pots",)),
        Requirement(key="tier", operator=Operator.NOT_IN, values=("a", "b")),
    )


def test_the_core_group_is_empty_or_left_out(project: Project) -> None:
    for group in ("", "group: '', "):
        watch = project.read(f"- {{{group}version: v1, kind: Secret, playbook: pot.yml}}")
        assert watch.gvk == GroupVersionKind(group="", version="v1", kind="Secret")


def test_version_and_kind_must_be_given(project: Project) -> None:
    assert project.problems("- {group: example.com, playbook: pot.yml}") == [
        "1: [0]: 'kind' is missing; add it",
        "1: [0]: 'version' is missing; add it",
    ]


def test_a_kind_is_watched_once(project: Project) -> None:
    (problem,) = project.problems(f"{ENTRY}}}\n{ENTRY}}}")
    assert "is watched already on line 1" in problem


def test_a_playbook_must_be_there_at_the_start(project: Project) -> None:
    (problem,) = project.problems("- {version: v1, kind: Pot, playbook: nowhere.yml}")
    assert f"no playbook at {project.root}/nowhere.yml" in problem


def test_an_entry_needs_a_playbook_or_a_role(project: Project) -> None:
    assert project.problems("- {version: v1, kind: Pot}") == [
        "1: [0]: neither 'playbook' nor 'role' is given; add one"
    ]


def test_of_a_playbook_and_a_role_the_playbook_is_run(project: Project) -> None:
    assert project.read(f"{ENTRY}, role: nowhere}}").playbook == project.root / "pot.yml"


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("pot", ("roles", "pot")),
        ("pot", ("path", "pot")),
        ("pot", ("path", "roles", "pot")),
        ("pot", ("second", "roles", "pot")),
        ("my.clay.pot", ("found", "ansible_collections", "my", "clay", "roles", "pot")),
        ("my.clay.pot", ("roles", "my.clay.pot")),
    ],
)
def test_a_role_is_found_where_ansible_operator_looks(
    project: Project, name: str, place: tuple[str, ...]
) -> None:
    path = project.role(*place)
    given = Given(
        compatibility=Compatibility.ANSIBLE_OPERATOR,
        roles=f"{project.root}/path:{project.root}/second",
        collections=str(project.root / "found"),
    )
    assert project.read(f"- {{version: v1, kind: Pot, role: {name}}}", given=given).playbook == path


def test_a_role_by_its_path_is_that_directory(project: Project) -> None:
    path = project.role("somewhere", "pot")
    assert project.read(f"- {{version: v1, kind: Pot, role: {path}}}").playbook == path


def test_collections_are_looked_for_in_the_home_directory(project: Project) -> None:
    path = project.role(
        "home", ".ansible", "collections", "ansible_collections", "my", "clay", "roles", "pot"
    )
    assert project.read("- {version: v1, kind: Pot, role: my.clay.pot}").playbook == path


def test_a_role_that_is_nowhere_is_told_with_the_places(project: Project) -> None:
    (problem,) = project.problems("- {version: v1, kind: Pot, role: my.clay.pot}")
    assert "/usr/share/ansible/collections/ansible_collections/my/clay/roles/pot" in problem
    assert f"{project.root}/roles/my.clay.pot" in problem


def test_a_finalizer_runs_its_playbook_or_role(project: Project) -> None:
    role = project.role("roles", "farewell")
    for key, path in (("playbook: farewell.yml", project.root / "farewell.yml"), ("role: farewell", role)):
        watch = project.read(
            f"{ENTRY}, finalizer: {{name: finalizer.pots.example.com, {key}, vars: {{a: 1}}}}}}"
        )
        assert watch.finalizer == Finalizer(name="finalizer.pots.example.com", playbook=path, vars={"a": 1})


def test_a_finalizer_with_nothing_but_variables_runs_the_same_again(project: Project) -> None:
    watch = project.read(f"{ENTRY}, finalizer: {{name: example.com/pot, vars: {{state: absent}}}}}}")
    assert watch.finalizer == Finalizer(
        name="example.com/pot", playbook=watch.playbook, vars={"state": "absent"}
    )


def test_a_finalizer_needs_a_name_and_something_to_do(project: Project) -> None:
    assert project.problems(f"{ENTRY}, finalizer: {{playbook: pot.yml}}}}") == [
        "1: [0].finalizer: 'name' is missing; add it"
    ]
    (problem,) = project.problems(f"{ENTRY}, finalizer: {{name: example.com/pot}}}}")
    assert "give 'playbook', 'role', or 'vars'" in problem


def test_a_period_of_nothing_switches_resyncs_off(project: Project) -> None:
    assert project.read(f"{ENTRY}, reconcilePeriod: 0s}}").reconcile_seconds == 0.0


def test_without_a_period_that_of_the_flag_counts(project: Project) -> None:
    given = Given(compatibility=Compatibility.ANSIBLE_OPERATOR, reconcile_seconds=60.0)
    assert project.read(f"{ENTRY}}}", given=given).reconcile_seconds == 60.0
    assert project.read(f"{ENTRY}, reconcilePeriod: 5m}}", given=given).reconcile_seconds == 300.0


def test_owners_are_injected_unless_the_flag_says_no(project: Project) -> None:
    given = Given(compatibility=Compatibility.ANSIBLE_OPERATOR, defaults=Defaults(inject_owner=False))
    dependents = project.read(f"{ENTRY}}}", given=given).dependents
    assert dependents
    assert not dependents.inject_owner


@pytest.mark.parametrize("name", ["MAX_CONCURRENT_RECONCILES_POT_EXAMPLE_COM", "WORKER_POT_EXAMPLE_COM"])
def test_the_limit_of_a_kind_is_a_variable_and_goes_before_the_flag(project: Project, name: str) -> None:
    given = Given(compatibility=Compatibility.ANSIBLE_OPERATOR, defaults=Defaults(most_runs=4))
    assert project.read(f"{ENTRY}}}", given=given).most_runs == 4
    assert project.read(f"{ENTRY}}}", {name: "2"}, given).most_runs == 2


def test_the_newer_name_of_the_limit_goes_before_the_older(project: Project) -> None:
    environ = {"MAX_CONCURRENT_RECONCILES_POT_EXAMPLE_COM": "3", "WORKER_POT_EXAMPLE_COM": "2"}
    assert project.read(f"{ENTRY}}}", environ).most_runs == 3


def test_the_verbosity_of_a_kind_is_a_variable(project: Project) -> None:
    assert project.read(f"{ENTRY}}}", {"ANSIBLE_VERBOSITY_POT_EXAMPLE_COM": "7"}).verbosity == 7
    assert project.read(f"{ENTRY}}}").verbosity is None


def test_a_variable_of_a_kind_that_is_no_number_is_named(project: Project) -> None:
    (problem,) = project.problems(f"{ENTRY}}}", {"ANSIBLE_VERBOSITY_POT_EXAMPLE_COM": "8"})
    assert (
        "environment variable ANSIBLE_VERBOSITY_POT_EXAMPLE_COM: '8' is not a whole number from 0 to 7"
        in problem
    )


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("a: $NAME", "a: value"),
        ("a: ${NAME}/x", "a: value/x"),
        ("a: $NAME/x $OTHER", "a: value/x ${OTHER}"),
        ("a: ${OTHER}", "a: ${OTHER}"),
        ("a: $", "a: $"),
        ("a: 5$ and $.", "a: 5$ and $."),
        ("a: '^x$'", "a: '^x$'"),
        ("a: $1", "a: ${1}"),
        ("a: ${}", "a: "),
        ("a: ${EMPTY}", "a: "),
    ],
)
def test_variables_of_the_environment_are_put_in_everywhere(text: str, result: str) -> None:
    assert expanded(text, {"NAME": "value", "EMPTY": ""}) == result


def test_what_is_put_in_has_the_type_that_it_is_written_in(project: Project) -> None:
    text = f'{ENTRY}, vars: {{number: $NUMBER, text: "$NUMBER"}}, reconcilePeriod: $PERIOD}}'
    watch = project.read(text, {"NUMBER": "5", "PERIOD": "2m"})
    assert watch.vars == {"number": 5, "text": "5"}
    assert watch.reconcile_seconds == 120.0


def test_variables_may_have_names_that_are_the_engines_otherwise(project: Project) -> None:
    assert project.read(f"{ENTRY}, vars: {{resource: 1, operation: x}}}}").vars == {
        "resource": 1,
        "operation": "x",
    }


def test_keys_of_this_engine_can_be_used_as_well(project: Project) -> None:
    watch = project.read(f"{ENTRY}, runTimeout: 1m, pauseAnnotation: example.com/pause, fieldManager: me}}")
    assert (watch.run_timeout_seconds, watch.pause_annotation, watch.field_manager) == (
        60.0,
        "example.com/pause",
        "me",
    )


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ("manageStatus: sure", "must be true or false"),
        ("maxRunnerArtifacts: -1", "is not a whole number"),
        ("maxRunnerArtifacts: many", "is not a whole number"),
        ("reconcilePeriod: soon", "is not a duration"),
        ("blacklist: [{version: v1}]", "'kind' is missing"),
        ("vars: [a]", "must be a mapping"),
        ("colour: blue", "unknown key"),
    ],
)
def test_a_wrong_value_is_told_with_its_key(project: Project, wrong: str, what: str) -> None:
    (problem,) = project.problems(f"{ENTRY}, {wrong}}}")
    assert problem.startswith(f"1: [0].{wrong.partition(':')[0]}")
    assert what in problem


def test_the_file_itself_can_say_that_it_has_their_form(project: Project) -> None:
    text = "compatibility: ansible-operator\nwatches:\n  - {version: v1, kind: Pot, playbook: pot.yml}\n"
    assert project.read(text, given=Given()).is_compatible
    assert switch_of(project.root / "elsewhere" / "watches.yaml") is Compatibility.ANSIBLE_OPERATOR


def test_a_file_that_says_the_contrary_goes_before_the_setting(project: Project) -> None:
    (project.root / "elsewhere" / "pot.yml").write_text("[]\n")
    text = "compatibility: none\nwatches:\n  - {version: v1, kind: Pot, playbook: pot.yml}\n"
    assert not project.read(text).is_compatible

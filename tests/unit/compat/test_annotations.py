"""Annotations of a resource go before the watches file, and those that mean nothing are told of."""

from pathlib import Path

import pytest

from playbook_engine.compat.annotations import AnnotationError, annotated
from playbook_engine.objects import GroupVersionKind, Object
from playbook_engine.watches.records import Watch

WATCH = Watch(
    gvk=GroupVersionKind(group="example.com", version="v1", kind="Pot"),
    playbook=Path("/p.yml"),
    field_manager="m",
    reconcile_seconds=60.0,
    verbosity=1,
)
PREFIX = "ansible.sdk.operatorframework.io/"


def resource(**annotations: str) -> Object:
    return {"metadata": {"annotations": {PREFIX + name: text for name, text in annotations.items()}}}


def test_without_annotations_the_entry_stays_as_it_is() -> None:
    assert annotated(WATCH, {"metadata": {}}) == (WATCH, ())


@pytest.mark.parametrize(
    ("text", "seconds"), [("1m30s", 90.0), ("10h0m0s", 36_000.0), ("1.5h", 5400.0), ("0", 0.0)]
)
def test_a_period_has_the_form_of_go(text: str, seconds: float) -> None:
    watch, _ = annotated(WATCH, resource(**{"reconcile-period": text}))
    assert watch.reconcile_seconds == seconds


@pytest.mark.parametrize("text", ["", "5", "soon", "-1s"])
def test_a_period_that_is_none_is_an_error_that_names_the_annotation(text: str) -> None:
    with pytest.raises(
        AnnotationError, match=f"annotation {PREFIX}reconcile-period: '{text}' is not a duration"
    ):
        annotated(WATCH, resource(**{"reconcile-period": text}))


@pytest.mark.parametrize(("text", "level"), [("0", 0), ("7", 7)])
def test_verbosity_goes_before_that_of_the_entry(text: str, level: int) -> None:
    watch, ignored = annotated(WATCH, resource(verbosity=text))
    assert (watch.verbosity, ignored) == (level, ())


@pytest.mark.parametrize("text", ["8", "-1", "loud", ""])
def test_a_verbosity_that_is_none_is_ignored_and_told_of(text: str) -> None:
    watch, ignored = annotated(WATCH, resource(verbosity=text))
    assert watch == WATCH
    assert ignored == (f"{PREFIX}verbosity: {text!r} is not a whole number from 0 to 7",)


def test_a_number_of_artifacts_is_taken_and_a_bad_one_told_of() -> None:
    assert annotated(WATCH, resource(**{"max-runner-artifacts": "0"})) == (WATCH, ())
    _, ignored = annotated(WATCH, resource(**{"max-runner-artifacts": "many"}))
    assert ignored == (f"{PREFIX}max-runner-artifacts: 'many' is not a whole number",)

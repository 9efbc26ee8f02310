"""Messages keep their sense and lose their credentials."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook_engine.runs.redaction import HIDDEN, bound, redact, secret_values


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("redis://user:hunter2@redis:6379/0 refused", "redis://********@redis:6379/0 refused"),
        ("redis://:hunter2@redis:6379", "redis://********@redis:6379"),
        ("login failed: password=hunter2, user=me", "login failed: password=********, user=me"),
        ("REDIS_PASSWORD='hunter 2' env", "REDIS_PASSWORD=******** env"),
        ('{"redis_password": "hun\\"ter2", "user": "me"}', '{"redis_password": "********", "user": "me"}'),
        ("{'apiKey': 'abc', 'b': 1}", "{'apiKey': '********', 'b': 1}"),
        ("Authorization: Bearer abcdef0123456789", "Authorization: Bearer ********"),
        ("Authorization: Basic dXNlcjpwdw==", "Authorization: Basic ********"),
        ("token eyJhbGciOiJSUzI1.eyJpc3MiOiJrdWJl.c2ln-_ expired", "token ******** expired"),
        (
            "key -----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY----- end",
            "key ******** end",
        ),
        ("key -----BEGIN PRIVATE KEY-----\nabc", "key ********"),
    ],
)
def test_what_looks_like_a_credential_is_hidden(text: str, redacted: str) -> None:
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        'Secret "redis-credentials" not found',
        "spec.config.semantic_cache.redis.password_secret_ref: name is missing; add it",
        "the token has expired",
        "http://redis:6379/0 refused",
        "https://example.com/a@b",
        "basic authentication is required",
        "secret: not found",
    ],
)
def test_what_only_speaks_of_credentials_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "unit", ["a", "password", "://a:", "'password': '", "eyJ", "-----BEGIN PRIVATE KEY-----"]
)
@pytest.mark.timeout(5)
def test_a_long_message_is_redacted_in_no_time(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    assert set(redact(text)) <= set(text) | set(HIDDEN)


def test_known_secrets_are_hidden_wherever_they_stand_longest_first() -> None:
    assert (
        redact("a hunter2hunter2 b hunter2", secrets=["hunter2", "hunter2hunter2"]) == "a ******** b ********"
    )


def test_a_secret_that_is_too_short_to_tell_apart_is_not_hidden() -> None:
    assert redact("the answer is 42", secrets=["42", ""]) == "the answer is 42"


def test_the_values_of_variables_named_as_credentials_are_secrets() -> None:
    environment = {"K8S_AUTH_API_KEY": "one", "MY_PASSWORD": "two", "HOME": "three", "TOKEN": ""}
    assert secret_values(environment.items()) == ("one", "two")


@given(st.text(), st.integers(min_value=16, max_value=100))
def test_a_bound_text_is_never_longer_and_says_when_it_was_cut(text: str, characters: int) -> None:
    cut = bound(text, characters=characters)
    assert len(cut) <= characters
    assert cut == text.strip() or cut.endswith(" … (cut)")


@given(st.text(max_size=200))
def test_redaction_is_done_after_once(text: str) -> None:
    assert redact(redact(text)) == redact(text)

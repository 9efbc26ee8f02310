"""What of a body can be read, and what is left as it is."""

import pytest

from playbook_engine.proxy.bodies import NotReadableError, read_body


@pytest.mark.parametrize("body", [b'{"a": [1]}', b"a: [1]", b"a:\n  - 1\n"])
def test_json_and_yaml(body: bytes) -> None:
    assert read_body(body, "application/apply-patch+yaml") == {"a": [1]}


@pytest.mark.parametrize(
    ("body", "media"),
    [
        (b"k8s\x00", "application/vnd.kubernetes.protobuf"),
        (b"{", "application/json"),
        (b"\xff", "application/json"),
    ],
)
def test_anything_else_is_not_readable(body: bytes, media: str) -> None:
    with pytest.raises(NotReadableError):
        read_body(body, media)

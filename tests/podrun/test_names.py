"""The name server of pods answers as a resolver understands it."""

import struct

import pytest

from tests.support.pods.names import answer, settings

A, AAAA = 1, 28
NAMES = {"model.ml.svc.cluster.local": ["10.96.1.2"], "empty.ml.svc.cluster.local": []}


def query(name: str, kind: int = A) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", kind, 1)


@pytest.mark.parametrize("name", ["model.ml.svc.cluster.local", "Model.ML.svc.cluster.local"])
def test_a_name_has_the_address_of_its_service(name: str) -> None:
    found = answer(query(name), NAMES.get)
    assert struct.unpack_from("!6H", found) == (7, 0x8500, 1, 1, 0, 0)
    assert found[12:].startswith(query(name)[12:])
    assert found.endswith(bytes([0, 4, 10, 96, 1, 2]))


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        ("model.ml.svc.cluster.local", AAAA, 0),
        ("empty.ml.svc.cluster.local", A, 0),
        ("nobody.ml.svc.cluster.local", A, 3),
    ],
)
def test_what_is_not_there_has_no_address(name: str, kind: int, code: int) -> None:
    _, flags, questions, answers, _, _ = struct.unpack_from("!6H", answer(query(name, kind), NAMES.get))
    assert (flags & 0xF, questions, answers) == (code, 1, 0)


def test_a_pod_looks_into_its_own_namespace_first() -> None:
    assert settings("ml").splitlines() == [
        "search ml.svc.cluster.local svc.cluster.local cluster.local",
        "nameserver 10.96.0.10",
        "options ndots:5",
    ]

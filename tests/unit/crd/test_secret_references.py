"""A resource can name Secrets of its own namespace only: no reference has a field for another."""

from tests.unit.crd.schemas import root, walk


def test_a_reference_to_a_secret_has_no_namespace() -> None:
    references = [
        field for field in walk("", root()) if "secret" in field.name.lower() and field.type == "object"
    ]
    assert len(references) > 1
    assert [field.path for field in references if "namespace" in field.schema.get("properties", {})] == []

"""The pages: manifests in them are valid, the site is complete, and links out of it become names."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.support.cluster import CHECKOUT
from tools import docs_links
from tools.generate.crd import root_schema

DOCS = CHECKOUT / "docs"
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)


def manifests() -> Iterator[Any]:
    """Yield every specification that a page shows, with the page's name."""
    for page in sorted(DOCS.rglob("*.md")):
        for text in BLOCK.findall(page.read_text(encoding="utf-8")):
            for item in yaml.safe_load_all(text):
                if isinstance(item, dict) and "spec" in item and item.get("kind") in (None, "SemanticRouter"):
                    yield pytest.param(item["spec"], id=str(page.relative_to(DOCS)))


@pytest.mark.parametrize("spec", list(manifests()))
def test_a_specification_on_a_page_fits_the_definition(spec: dict[str, Any]) -> None:
    jsonschema.validate(spec, closed(root_schema()["properties"]["spec"]))


def closed(schema: Any) -> Any:  # noqa: ANN401 - a schema, or a part of one
    """Return the schema with unknown fields forbidden, as `kubectl apply` warns of them."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "type" in schema:
        result.setdefault("additionalProperties", False)
    return result


def test_unknown_fields_are_seen() -> None:
    with pytest.raises(jsonschema.ValidationError, match="replica"):
        jsonschema.validate({"replica": 1}, closed(root_schema()["properties"]["spec"]))


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "site" / "troubleshooting.html").read_text(encoding="utf-8")
    assert "NotConverging" in page


def test_a_link_out_of_the_documentation_becomes_the_name_of_the_file() -> None:
    text = "[the list](../watches.yaml) [here](reference/watches.md) [gone](../no-such-file) [web](https://example.com)"
    assert docs_links.relinked(text, DOCS) == (
        "the list (`watches.yaml`) [here](reference/watches.md) [gone](../no-such-file) [web](https://example.com)"
    )

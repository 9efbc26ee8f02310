"""YAML of others as plain data."""

from typing import Any

import yaml


class NotYamlError(ValueError):
    """A text that is no YAML."""


def read_yaml(text: bytes) -> Any:  # noqa: ANN401 - whatever it says
    """Read one document of plain data; raises NotYamlError."""
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise NotYamlError(" ".join(str(error).split())) from error

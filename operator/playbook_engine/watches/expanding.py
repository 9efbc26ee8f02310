"""Environment variables in the whole text of a watches file, as ansible-operator puts them in. Pure."""

import re
from collections.abc import Mapping

_USE = re.compile(r"\$(?:\{(?P<braced>[^{}]*)\}|(?P<special>[*#$@!?\-0-9])|(?P<plain>[A-Za-z_0-9]+))")


def expanded(text: str, environ: Mapping[str, str]) -> str:
    """Replace ``$NAME`` and ``${NAME}``; what is not set becomes ``${NAME}``, and stays as it is in that form.

    Characters that a shell has a meaning for (``$1``, ``$$``) are names of one character.
    """

    def value(match: re.Match[str]) -> str:
        name = match["braced"] or match["special"] or match["plain"] or ""
        return environ.get(name, f"${{{name}}}" if name else "")

    return _USE.sub(value, text)

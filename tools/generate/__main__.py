"""``python -m tools.generate`` writes generated files; with ``--check`` it only says which are stale."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tools.generate import api_reference, argument_specs, crd, readmes, settings_reference
from tools.generate.files import difference, stale, write
from tools.olm import packages


def _fields() -> dict[Path, str]:
    """The table of fields; what makes it is loaded when it is asked for, since it needs the roles' own plugins."""
    from tools.fields import table  # noqa: PLC0415

    return table.render()


PARTS: Mapping[str, Callable[[], dict[Path, str]]] = {
    "crd": crd.render,
    "argument-specs": argument_specs.render,
    "readmes": readmes.render,
    "fields": _fields,
    "api": api_reference.render,
    "settings": settings_reference.render,
    "olm": packages.render,
}


def main(arguments: Sequence[str]) -> int:
    """Write or check the parts named, all of them when none is; 1 when a check finds a stale file."""
    options = parser().parse_args(arguments)
    files = {path: content for name in options.parts or PARTS for path, content in PARTS[name]().items()}
    if options.check:
        return check(files)
    for path in stale(files):
        write(path, files[path])
        print(f"wrote {path}")
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    about = "Write the files that are made from others."
    result = argparse.ArgumentParser(prog="python -m tools.generate", description=about)
    result.add_argument(
        "parts", nargs="*", type=part, metavar="part", help=f"default is all: {', '.join(PARTS)}"
    )
    result.add_argument("--check", action="store_true", help="write nothing; show what is stale and exit 1")
    return result


def part(name: str) -> str:
    """The name of a part, or the error that argparse shows."""
    if name not in PARTS:
        message = f"there is no part {name!r}; the parts are {', '.join(PARTS)}"
        raise argparse.ArgumentTypeError(message)
    return name


def check(files: Mapping[Path, str]) -> int:
    """Show how stale files differ from what they should be."""
    found = stale(files)
    for path in found:
        sys.stderr.writelines(difference(path, files[path]))
    if found:
        print("generated files are stale: run `make generate` and commit the result", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

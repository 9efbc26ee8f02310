"""The process that runs ansible-runner for one playbook; the only importer of ansible_runner.

It reads ``request.json`` of its directory and writes JSON lines to standard output: events, cut to what
is needed, and at the end ``{"ended": {"code": …}}``. What else is printed goes to standard error.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

import ansible_runner

from playbook_engine.runs.events import trim

REQUEST = "request.json"


def main(arguments: list[str]) -> int:
    """Run, and tell the exit code of ansible-playbook (null when a signal ended it)."""
    directory = Path(arguments[0])
    request = json.loads((directory / REQUEST).read_text(encoding="utf-8"))
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as events:
        os.dup2(2, 1)
        code = _run(directory, request, events)
        _emit(events, {"ended": {"code": code}})
    return 0


def _run(directory: Path, request: Mapping[str, object], events: TextIO) -> int | None:
    def handle(event: Mapping[str, object]) -> bool:
        kept = trim(event)
        if kept:
            _emit(events, kept)
        return False  # no copy of the event in a file

    playbook = Path(str(request["playbook"]))
    runner = ansible_runner.run(
        private_data_dir=str(directory),
        project_dir=str(playbook.parent),
        playbook=str(playbook),
        inventory=request["inventory"],
        ident="run",
        cmdline=request["options"] or None,
        tags=request["tags"] or None,
        verbosity=request["verbosity"] or None,
        quiet=True,
        fact_cache_type="memory",
        event_handler=handle,
        cancel_callback=lambda: False,  # the engine ends runs; ansible-runner shall not catch signals
    )
    return runner.rc if isinstance(runner.rc, int) else None


def _emit(events: TextIO, line: Mapping[str, object]) -> None:
    events.write(json.dumps(line, default=str) + "\n")
    events.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

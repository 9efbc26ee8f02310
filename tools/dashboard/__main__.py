"""Record and draw; the picture is that of docs/operations/dashboard.md."""

import sys
from pathlib import Path

from tools.dashboard.drawing import draw
from tools.dashboard.panels import panels
from tools.dashboard.recording import record
from tools.demo.display import Display

TARGET = Path(__file__).parents[2] / "docs" / "images" / "dashboard.svg"


def main() -> int:
    """Make the picture; return the exit code."""
    read = panels()
    recording = record(read, Display())
    draw(read, recording, TARGET)
    print(f"{TARGET}: {recording.seconds:.0f} seconds of an operator")
    return 0


if __name__ == "__main__":
    sys.exit(main())

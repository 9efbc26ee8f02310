"""What the fork server does for its runs in advance, and what it leaves to them."""

import json
import subprocess
import sys
from pathlib import Path

_LOAD = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from playbook_engine.warm import modules
before = len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))
for names in (["quiet", "starts_a_thread"], ["opens_a_file"], ["fails", "ends", "quiet_too"]):
    modules.load(names)
after = len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))
print(json.dumps([sorted(sys.modules.keys() & set(sys.argv[2:])), before == after]))
"""
_MODULES = {
    "quiet": "X = 1",
    "quiet_too": "X = 1",
    "starts_a_thread": "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()",
    "opens_a_file": "import os\nFILE = os.open(os.devnull, os.O_RDONLY)",
    "fails": "raise ValueError",
    "ends": "raise SystemExit",
}


def test_a_module_that_would_change_the_server_is_left_to_the_runs(tmp_path: Path) -> None:
    for name, text in _MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", _LOAD, str(tmp_path), *_MODULES], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [["quiet", "quiet_too"], True]

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


_LOAD_PLAYBOOKS = """
import json, sys
from pathlib import Path
from playbook_engine.warm.preload import preload
preload()
from playbook_engine.warm import playbooks
before = playbooks._plugin_directories()
playbooks.load(sys.argv[1:])
print(json.dumps([[Path(path).stem for path in playbooks._loaded], playbooks._plugin_directories() == before]))
"""
_PLAYBOOKS = {
    "plain.yml": "- {hosts: localhost, roles: [plain], tasks: [{import_tasks: more.yml}]}",
    "templates a name.yml": "- {hosts: localhost, tasks: [{import_tasks: '{{ name | default(\"more\") }}.yml'}]}",
    "has a module.yml": "- {hosts: localhost, roles: [with_a_module]}",
    "is warned of.yml": "- {hosts: localhost, tasks: [{debug: {msg: a}, vars: {x: 1, x: 2}}]}",
    "is none.yml": "- {hosts: localhost, tasks: [{",
    "beside/has a filter.yml": "- {hosts: localhost, tasks: []}",
}
_OTHER_FILES = {
    "more.yml": "- ansible.builtin.debug: {msg: a}",
    "roles/plain/tasks/main.yml": "- ansible.builtin.debug: {msg: a}",
    "roles/with_a_module/tasks/main.yml": "- ansible.builtin.debug: {msg: a}",
    "roles/with_a_module/library/one.py": "",
    "beside/filter_plugins/one.py": "",
}


def test_only_a_playbook_that_is_the_same_for_all_runs_is_loaded_by_the_server(tmp_path: Path) -> None:
    for name, text in {**_PLAYBOOKS, **_OTHER_FILES}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    command = [sys.executable, "-c", _LOAD_PLAYBOOKS, *(str(tmp_path / name) for name in _PLAYBOOKS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [["plain"], True]

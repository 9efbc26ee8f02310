"""Playbooks in which something is done differently when runs are warm, or could be."""

from collections.abc import Mapping
from pathlib import Path

PLAYS: dict[str, str] = {
    "facts and statistics": """
    - ansible.builtin.set_fact: {one: 1, list: [1, "{{ 1 + 1 }}"]}
    - ansible.builtin.set_stats: {data: {conditions: {A: {status: "True"}}, one: "{{ one }}", list: "{{ list }}"}}
    - ansible.builtin.set_stats: {data: {conditions: {B: {status: "False"}}}}
    """,
    "unsafe texts are not templates": """
    - ansible.builtin.set_stats: {data: {seen: "{{ given }}", nested: "{{ given.text | upper }}"}}
    """,
    "loops": """
    - ansible.builtin.debug: {msg: "{{ item }}"}
      loop: [a, b]
      register: said
    - ansible.builtin.command: "echo {{ item }}"
      loop: [c, d]
      register: echoed
      changed_when: item == 'c'
    - ansible.builtin.set_stats:
        data: {said: "{{ said.results | map(attribute='msg') }}", out: "{{ echoed.results | map(attribute='stdout') }}"}
    """,
    "a loop that fails": """
    - name: Fail on two
      ansible.builtin.fail: {msg: "no {{ item }}"}
      when: item != 1
      loop: [1, 2, 3]
    """,
    "rescue and always": """
    - block:
        - ansible.builtin.fail: {msg: first}
      rescue:
        - ansible.builtin.set_stats: {data: {rescued: "{{ ansible_failed_result.msg }}"}}
      always:
        - ansible.builtin.set_stats: {data: {always: true}}
    """,
    "asks for another run": """
    - operator_sdk.util.requeue_after: {time: 5m}
    - operator_sdk.util.requeue_after: {time: "{{ item }}"}
      loop: [1m30s, 90m, 1s]
      when: item != '1s'
    - operator_sdk.util.requeue_after: {time: soon}
      ignore_errors: true
      register: refused
    - ansible.builtin.set_stats: {data: {refused: "{{ refused.msg }}"}}
    """,
    "a failure in a rescue": """
    - block:
        - ansible.builtin.fail: {msg: first}
      rescue:
        - name: Fail again
          ansible.builtin.fail: {msg: second}
    """,
    "ignored errors": """
    - ansible.builtin.fail: {msg: ignored}
      ignore_errors: true
    - ansible.builtin.command: "false"
      failed_when: false
    """,
    "statistics before a failure": """
    - ansible.builtin.set_stats: {data: {before: 1}}
    - name: Fail late
      ansible.builtin.fail: {msg: late}
    """,
    "no_log": """
    - name: Hide
      ansible.builtin.fail: {msg: hidden}
      no_log: true
    """,
    "handlers": """
    - ansible.builtin.command: "true"
      notify: Tell
  handlers:
    - name: Tell
      ansible.builtin.set_stats: {data: {told: true}}
    """,
    "delegation, environment and async": """
    - ansible.builtin.command: "sh -c 'echo $COLOUR'"
      environment: {COLOUR: red}
      delegate_to: localhost
      register: colour
    - ansible.builtin.command: "true"
      async: 10
      poll: 1
    - ansible.builtin.set_stats: {data: {colour: "{{ colour.stdout }}"}}
    """,
    "hosts that are added": """
    - ansible.builtin.add_host: {name: other, groups: [others], ansible_connection: local}
    - ansible.builtin.group_by: {key: made}
- hosts: others
  gather_facts: false
  tasks:
    - ansible.builtin.set_stats: {data: {host: "{{ inventory_hostname }}"}}
    """,
    "included tasks": """
    - ansible.builtin.include_tasks: included.yml
      vars: {word: x}
      loop: [1, 2]
    """,
    "an included role with arguments that are checked": """
    - ansible.builtin.include_role: {name: part}
      vars: {part_size: 3}
    """,
    "a role with a wrong argument": """
    - ansible.builtin.import_role: {name: part}
      vars: {part_size: many}
    """,
    "assertions": """
    - ansible.builtin.assert: {that: [1 == 1, 2 == 3], fail_msg: two is not three}
    """,
    "an undefined variable": """
    - name: Use what is not there
      ansible.builtin.debug: {msg: "{{ nothing.at_all }}"}
    """,
    "retries": """
    - ansible.builtin.command: "false"
      register: tried
      until: tried.rc == 0
      retries: 1
      delay: 0
      failed_when: false
    - ansible.builtin.set_stats: {data: {attempts: "{{ tried.attempts }}"}}
    """,
    "facts of the machine": """
    - ansible.builtin.setup: {gather_subset: [min]}
    - ansible.builtin.set_stats: {data: {system: "{{ ansible_facts.system }}"}}
    """,
    "a Kubernetes task without a cluster": """
    - name: Apply nowhere
      kubernetes.core.k8s: {kind: ConfigMap, name: x, namespace: y, host: "http://127.0.0.1:1", api_key: none}
    """,
    "a Kubernetes task by its short name": """
    - name: Apply nowhere
      k8s: {kind: ConfigMap, name: x, namespace: y, host: "http://127.0.0.1:1", api_key: none}
    """,
    "a patch for each of some objects, and for each of none": """
    - name: Patch nothing
      kubernetes.core.k8s_json_patch: &nowhere
        {kind: ConfigMap, name: "{{ item }}", namespace: y, patch: [], host: "http://127.0.0.1:1", api_key: none}
      loop: []
    - name: Patch nowhere
      kubernetes.core.k8s_json_patch: *nowhere
      loop: [a, b]
      register: patched
      ignore_errors: true
    - ansible.builtin.set_stats:
        data: {failed: "{{ patched.results | map(attribute='failed') | list }}"}
    """,
    "a wrong parameter of a module": """
    - name: Misspell
      kubernetes.core.k8s: {knd: ConfigMap}
    """,
    "files and templates": """
    - ansible.builtin.copy: {content: "a\\n", dest: "{{ lookup('env', 'TMPDIR') }}/file", mode: "0600"}
    - ansible.builtin.set_stats: {data: {made: "{{ lookup('template', 'hello.j2') }}"}}
    """,
    "becoming somebody else": """
    - name: Become nobody that is there
      ansible.builtin.command: id -un
      become: true
      become_user: nobody-of-that-name
      become_method: ansible.builtin.su
      ignore_errors: true
      register: became
    - ansible.builtin.set_stats: {data: {failed: "{{ became is failed }}"}}
    """,
    "which variable goes before which": """
    - ansible.builtin.include_vars: more.yml
    - ansible.builtin.set_stats: {data: {first: "{{ [included, beside, of_host] }}"}}
      vars: {included: task, beside: task}
    - ansible.builtin.set_fact: {included: fact, beside: fact}
    - ansible.builtin.include_role: {name: part}
      vars: {part_size: 7, beside: role}
    - ansible.builtin.set_stats: {data: {second: "{{ [included, beside, of_host, given.text] }}"}}
  vars: {beside: play, of_host: play}
  vars_files: [more.yml]
    """,
    "values in values": """
    - ansible.builtin.set_stats:
        data:
          deep: "{{ deep }}"
          given: "{{ given | combine({'list': given.list + deep.list, 'more': deep.map.text}) }}"
          omitted: "{{ {'a': 1, 'b': nothing | default(omit)} }}"
          kinds: "{{ [1, 1.5, true, none, '1', 'true', '2026-01-01'] }}"
          joined: "{{ deep.list | map('string') | join('-') }}"
  vars:
    word: inner
    deep: {list: [1, "{{ 1 + 1 }}", "{{ word }}", plain], map: {text: "{{ word }} and {{ given.text }}", none: null}}
    """,
    "templates of the same text": """
    - ansible.builtin.set_stats:
        data:
          trusted: "{{ 1 + 1 }}"
          unsafe: "{{ given.text }}"
          alone: "{{ given.list | first }}"
    - ansible.builtin.set_stats: {data: {is_expression: true}}
      when: word == '1'
    - ansible.builtin.set_stats: {data: {is_template: "word == '1'"}}
  vars: {word: "1"}
    """,
    "backslashes in templates and in conditions": r"""
    - ansible.builtin.set_stats:
        data:
          kept: "{{ 'a\\.b' }}"
          replaced: "{{ 'a.b' | regex_replace('a\\.b', 'c') }}"
    - ansible.builtin.set_stats: {data: {matched: true}}
      when: "'a.b' is match('a\\.b')"
    - ansible.builtin.set_stats: {data: {matched_plainly: true}}
      when: "'a.b' is match('a\.b')"
    """,
    "templates with marks of their own": """
    - ansible.builtin.set_stats:
        data:
          usual: "{{ lookup('template', 'marks.j2') }}"
          other: "{{ lookup('template', 'marks.j2', variable_start_string='[[', variable_end_string=']]') }}"
          header: "{{ lookup('template', 'header.j2') }}"
    """,
    "filters that are not there": """
    - ansible.builtin.set_stats: {data: {unused: "{{ (1 | no_such_filter) if false else 2 }}"}}
    - name: Use a test that is not there
      ansible.builtin.debug: {msg: "{{ 1 is no_such_test }}"}
      ignore_errors: true
    - name: Use a filter that is not there
      ansible.builtin.debug: {msg: "{{ 1 | no_such_filter }}"}
    """,
    "a template that is none": """
    - name: Forget the end
      ansible.builtin.debug: {msg: "{{ 1 + "}
    """,
    "the same text each time anew": """
    - ansible.builtin.set_stats: {data: {seen: "{{ item }}", same: "{{ (99999999 | random) == (99999999 | random) }}"}}
      loop: "{{ range(3) }}"
    """,
    "tasks that are skipped": """
    - ansible.builtin.debug: {msg: never}
      when: false
      register: one
    - ansible.builtin.debug: {msg: never}
      when: item > 5
      loop: [1, 2]
      register: two
    - ansible.builtin.set_stats:
        data: {one: "{{ one is skipped }}", two: "{{ two.results | map(attribute='skipped') }}"}
    """,
    "a file that changes during the run": """
    - ansible.builtin.copy: {content: "v: 1", dest: "{{ lookup('env', 'TMPDIR') }}/v.yml", mode: "0600"}
    - ansible.builtin.include_vars: "{{ lookup('env', 'TMPDIR') }}/v.yml"
    - ansible.builtin.set_stats: {data: {before: "{{ v }}"}}
    - ansible.builtin.copy: {content: "v: 2", dest: "{{ lookup('env', 'TMPDIR') }}/v.yml", mode: "0600"}
    - ansible.builtin.include_vars: "{{ lookup('env', 'TMPDIR') }}/v.yml"
    - ansible.builtin.set_stats: {data: {after: "{{ v }}"}}
    """,
    "tasks that are imported twice": """
    - ansible.builtin.import_tasks: included.yml
      vars: {word: x, item: 1}
    - ansible.builtin.import_tasks: included.yml
      vars: {word: "{{ 'y' }}", item: 2}
    """,
    "a block in a loop of a role, delegated and once": """
    - ansible.builtin.include_role: {name: part, tasks_from: other}
      loop: [1, 2]
      loop_control: {loop_var: part_number}
    - ansible.builtin.set_fact: {seen: here}
      delegate_to: other
      delegate_facts: true
      run_once: true
    - ansible.builtin.set_stats: {data: {seen: "{{ seen | default('not here') }}"}}
    """,
    "the end of a play": """
    - ansible.builtin.set_stats: {data: {before: 1}}
    - ansible.builtin.meta: end_play
    - ansible.builtin.set_stats: {data: {after: 1}}
    """,
}

_PLUGINS = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.debug: {msg: usual}
      register: said
    - debug: {msg: usual}
      register: said_too
    - ansible.builtin.set_stats:
        data:
          said: "{{ [said.msg, said_too.msg] }}"
          upper: "{{ 'a' | upper }}"
          owner: "{{ resource | vllm.semantic_router.owner }}"
  vars:
    resource: {apiVersion: v1, kind: Toy, metadata: {name: one, namespace: here, uid: "1"}}
"""

_FILTERS = """
class FilterModule:
    def filters(self):
        return {{"{name}": lambda value: "a filter beside the playbook"}}
"""

FILES = {
    "included.yml": "- ansible.builtin.set_stats: {data: {word: '{{ word }}{{ item }}'}}\n",
    "more.yml": "included: file\nbeside: file\n",
    "host_vars/localhost.yml": "of_host: host\n",
    "roles/part/tasks/other.yml": """
- block:
    - ansible.builtin.command: "false"
      when: part_number == 2
  rescue:
    - ansible.builtin.set_stats: {data: {"rescued{{ part_number }}": "{{ ansible_failed_task.action }}"}}
""",
    "roles/part/defaults/main.yml": "included: default\nbeside: default\n",
    "templates/hello.j2": "hello {{ given.text }}",
    "templates/marks.j2": "{{ given.text }} [[ given.text ]]\n",
    "templates/header.j2": "#jinja2: variable_start_string:'<<', variable_end_string:'>>'\n<< given.text >> {{ 1 }}\n",
    "plugins.yml": _PLUGINS,
    "beside/plugins.yml": _PLUGINS,
    "beside/filter_plugins/words.py": _FILTERS.format(name="upper"),
    "beside/action_plugins/debug.py": """
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        return {"msg": "an action beside the playbook"}
""",
    "beside/collections/ansible_collections/vllm/semantic_router/plugins/filter/beside.py": _FILTERS.format(
        name="owner"
    ),
    "roles/part/tasks/main.yml": """
- name: Say the size
  ansible.builtin.set_stats: {data: {size: '{{ part_size }}'}}
""",
    "roles/part/meta/argument_specs.yml": """
argument_specs: {main: {options: {part_size: {type: int, required: true}}}}
""",
}
"""Beside the playbooks."""


def playbook(tasks: str) -> str:
    """Return a playbook of tasks that are indented by four."""
    return f"- hosts: localhost\n  gather_facts: false\n  tasks:\n    {tasks.strip()}\n"


def lay_out(root: Path, files: Mapping[str, str]) -> None:
    """Write files by their paths below a directory."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)

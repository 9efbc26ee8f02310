"""Playbooks in which something is done differently when runs are warm, or could be."""

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
    "a wrong parameter of a module": """
    - name: Misspell
      kubernetes.core.k8s: {knd: ConfigMap}
    """,
    "files and templates": """
    - ansible.builtin.copy: {content: "a\\n", dest: "{{ lookup('env', 'TMPDIR') }}/file", mode: "0600"}
    - ansible.builtin.set_stats: {data: {made: "{{ lookup('template', 'hello.j2') }}"}}
    """,
    "the end of a play": """
    - ansible.builtin.set_stats: {data: {before: 1}}
    - ansible.builtin.meta: end_play
    - ansible.builtin.set_stats: {data: {after: 1}}
    """,
}

FILES = {
    "included.yml": "- ansible.builtin.set_stats: {data: {word: '{{ word }}{{ item }}'}}\n",
    "templates/hello.j2": "hello {{ given.text }}",
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

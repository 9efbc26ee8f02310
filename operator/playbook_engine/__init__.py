"""A playbook engine: changes of Kubernetes objects become ansible-runner runs, and run results become status.

It knows nothing about any product. What it watches and which playbooks it runs is said by ``watches.yaml``;
see ``docs/architecture.md``.
"""

__version__ = "0.1.0"

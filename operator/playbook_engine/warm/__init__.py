"""The fork server: Ansible loaded once, each run a fork of it. The only place that touches Ansible's internals.

It is a program of its own, started by ``runs.warm``; the engine's process never imports Ansible.
"""

"""Runs of playbooks: a ``RunRequest`` goes in, a ``RunOutcome`` comes out, by ansible-runner."""

"""``watches.yaml``: which kinds are watched, which playbook reconciles each, and how dependents become status."""

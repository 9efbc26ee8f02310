"""``watches.yaml``: which kinds are watched, which playbook reconciles each, how dependents become status."""

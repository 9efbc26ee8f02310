"""What people and machines see of the engine while it runs: logs, metrics and probes."""

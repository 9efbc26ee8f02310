"""``make dashboard-picture``: the dashboard of ``deploy/monitoring`` as a picture, as a real Prometheus has it."""

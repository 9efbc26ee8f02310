"""What a project that was written for ansible-operator meets: its variables, conditions, annotations and flags."""

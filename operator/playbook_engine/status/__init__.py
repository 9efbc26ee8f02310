"""The resource's status: what runs told, what dependents show, and what the engine itself has to say."""

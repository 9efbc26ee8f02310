"""Bundle and catalog for the Operator Lifecycle Manager, made from ``deploy/``, ``crds/`` and ``samples/``."""

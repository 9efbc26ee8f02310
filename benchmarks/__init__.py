"""What the operator costs, measured on a real control plane: ``python -m benchmarks --help``, or ``make bench``."""

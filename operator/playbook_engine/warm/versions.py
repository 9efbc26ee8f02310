"""Which versions of Ansible the warm way has been tested with; others run the cold way."""

from importlib.metadata import PackageNotFoundError, version

TESTED = {"ansible-core": ("2.21.5",), "ansible-runner": ("2.4.3",)}


def untested() -> str:
    """Say which installed package is of an untested version; empty when all are tested."""
    for package, tested in TESTED.items():
        try:
            installed = version(package)
        except PackageNotFoundError:
            return f"{package} is not installed"
        if installed not in tested:
            return f"{package} {installed} is installed, tested is {' or '.join(tested)}"
    return ""

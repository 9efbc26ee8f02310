"""``docs/reference/settings.md``: every setting of the operator, from the table that the command line is made from."""

from pathlib import Path

from playbook_engine.settings.table import SETTINGS, Flag
from tools.generate.files import CHECKOUT

TARGET = CHECKOUT / "docs" / "reference" / "settings.md"
HEADER = """\
# Settings of the operator

Made by `make generate` from `operator/playbook_engine/settings/table.py`. Each setting is a flag of
`semantic-router-operator run` and an environment variable; a flag goes before the variable. With
`--compatibility ansible-operator` some defaults are those of [that operator](../guides/from-ansible-operator.md), and
its other flags are taken as well.
`semantic-router-operator validate` checks them all. Durations are as in `30s` or `1h30m`, sizes as in `512Mi`.

| flag | variable | default | meaning |
|---|---|---|---|
"""
FOOTER = """
`deploy/base` sets `--leader-elect`, `--leader-election-id` and `--max-concurrent-runs`; what else a Deployment needs
goes to its arguments.

Traces go where the variables of OpenTelemetry say; [how to use them](../operations/traces.md).

[`watches.yaml`](watches.md) takes two more values from the environment: `SECRET_POLL_PERIOD` (`30s`), how often Secrets
are looked at, and `CLUSTER_DOMAIN` (`cluster.local`), the domain of Services in this cluster.
"""


def render() -> dict[Path, str]:
    """The file and its content."""
    rows = (
        f"| `{one.flag.name}` | `{one.flag.variable}` | {_default(one.flag)} | {one.meaning} |\n"
        for one in SETTINGS
    )
    return {TARGET: HEADER + "".join(rows) + FOOTER}


def _default(flag: Flag) -> str:
    own = f"`{flag.default}`" if flag.default else "none"
    return own if flag.theirs is None else f"{own}; ansible-operator's: `{flag.theirs}`"

"""Reads settings: a flag goes before its environment variable, which goes before the default."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from playbook_engine.settings.choices import Compatibility
from playbook_engine.settings.table import SETTINGS, Setting, Settings


class SettingsError(ValueError):
    """Settings that cannot be used; ``problems`` has one line for each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        """Keep every problem, so that all are reported at once."""
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class _Order:
    """Two durations of which one may not be longer than the other, nor as long when ``strict``."""

    shorter: str
    longer: str
    strict: bool = False

    def problem(self, values: Mapping[str, object]) -> str:
        """Say what is wrong with them; empty when nothing is."""
        short, long = values[self.shorter], values[self.longer]
        assert isinstance(short, float) and isinstance(long, float)  # noqa: S101, PT018 - durations
        if short < long or (short == long and not self.strict):
            return ""
        flags = {setting.name: setting.flag.name for setting in SETTINGS}
        relation = "not shorter" if self.strict else "longer"
        return f"{flags[self.shorter]} is {relation} than {flags[self.longer]}; give a shorter one"


_ORDERS = (
    _Order("backoff_base_seconds", "backoff_max_seconds"),
    _Order("renew_deadline_seconds", "lease_seconds", strict=True),  # between them is the time to kill runs
    _Order("retry_seconds", "renew_deadline_seconds", strict=True),
)


def read_settings(environ: Mapping[str, str], given: Mapping[str, str] | None = None) -> Settings:
    """Read every setting; ``given`` has the values of the flags that were given, by the setting's name.

    Raises SettingsError that names each bad value, the flag or variable it came from and the allowed form.
    """
    values: dict[str, object] = {}
    problems: list[str] = []
    for setting in SETTINGS:  # the first row says which defaults the others have
        compatible = values.get("compatibility") is Compatibility.ANSIBLE_OPERATOR
        source, text = _found(setting, environ, given or {}, compatible=compatible)
        form = setting.flag.form
        try:
            values[setting.name] = form.parse(text)
        except ValueError:
            problems.append(f"{source}: {text!r} is not allowed; give {form.allowed}")
    if not problems:
        problems = [problem for problem in (order.problem(values) for order in _ORDERS) if problem]
    if problems:
        raise SettingsError(tuple(problems))
    values["max_concurrent_runs"] = values["max_concurrent_runs"] or max(
        _cores(), int(str(values["max_concurrent_reconciles"]))
    )
    return Settings(**values)  # type: ignore[arg-type] # the forms give what the table says


def _found(
    setting: Setting, environ: Mapping[str, str], given: Mapping[str, str], *, compatible: bool
) -> tuple[str, str]:
    """Give where a value comes from, and its text."""
    flag = setting.flag
    if setting.name in given:
        return flag.name, given[setting.name]
    if flag.variable in environ:
        return flag.variable, environ[flag.variable]
    return "default", flag.theirs if compatible and flag.theirs is not None else flag.default


def _cores() -> int:
    return len(os.sched_getaffinity(0))

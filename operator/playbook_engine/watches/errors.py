"""What can be wrong with a ``watches.yaml``: every problem has its file, line, key and next step."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing that is wrong; ``line`` counts from 1, ``key`` is a path such as ``[0].owns[2].kind``."""

    file: Path
    line: int
    key: str
    what: str

    def __str__(self) -> str:
        """``file:line: key: what``, the form that editors can follow."""
        key = f"{self.key}: " if self.key else ""
        return f"{self.file}:{self.line}: {key}{self.what}"


class WatchesFileError(ValueError):
    """A ``watches.yaml`` that cannot be used; ``problems`` are all that were found, in the order of lines."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        """Keep the problems, sorted."""
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))

"""A disk that is full where runs have their files: it is told, tried again, and over when there is room."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.conftest import Starter
from tests.support.api import Space
from tests.support.operators import OperatorUnderTest
from tests.support.toys import Toy
from tests.support.waiting import stays, wait_for

ROOM = "4m"
BLOCK = bytes(64 * 1024)
WATCHES = Path(__file__).with_name("toy") / "watches.yaml"


@dataclass(frozen=True, slots=True)
class Disk:
    """A small file system of the operator's own, as the rest of the machine sees it."""

    operator: OperatorUnderTest
    directory: Path

    @property
    def place(self) -> Path:
        """Its root."""
        pid = self.operator.running.process.process.pid
        return Path(f"/proc/{pid}/root{self.directory}")

    @property
    def filler(self) -> Path:
        """A file that takes what room there is."""
        return self.place / "filler"

    @property
    def runs(self) -> list[Path]:
        """The directories of runs that are there."""
        return [path.parent for path in self.place.rglob("inventory")]

    def fill(self) -> None:
        """Leave no room."""
        with self.filler.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(BLOCK):
                pass

    def clear(self) -> None:
        """Make room again."""
        self.filler.unlink()


@pytest.fixture
def disk(toy_kind: None, start_operator: Starter) -> Iterator[Disk]:
    """The toymaker with all its temporary files on a file system of a few megabytes."""
    del toy_kind
    with TemporaryDirectory(prefix="d-") as directory:
        mounted = f'mount -t tmpfs -o size={ROOM} none {directory} && exec "$@"'
        operator = start_operator(
            watches=WATCHES,
            arguments=["--backoff-base", "1s", "--backoff-max", "2s"],
            environment={"TMPDIR": directory, "HOME": directory, "TOY_WORKSHOP": "cellar"},
            within=["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounted, "sh"],
        )
        yield Disk(operator, Path(directory))
        operator.stop()


def test_a_full_disk_is_told_and_over_when_there_is_room(disk: Disk, space: Space) -> None:
    toy = Toy.create(space)
    toy.wait_made()
    disk.fill()
    toy.edit(colour="red")
    told = toy.wait_condition("Reconciled", "False")
    assert "No space left on device" in told["message"], told
    stays(disk.operator.running.ready, seconds=3)
    assert disk.operator.running.ready()[0], "the operator lives on"
    disk.clear()
    toy.wait_made()
    toy.wait_data(colour="red")
    toy.delete()
    toy.wait_gone()
    wait_for(lambda: not disk.runs, timeout=10, what="nothing is left of the runs")
    disk.operator.stop()
    assert "Traceback" not in disk.operator.log

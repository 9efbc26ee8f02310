"""The real Prometheus, of Debian's package; it is fetched by apt and unpacked into the cache, not installed."""

import json
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.cluster import CHECKOUT
from tests.support.waiting import wait_for
from tools.demo.actors import free_port
from tools.demo.processes import kill_tree
from tools.env.install_collections import cache_directory

RULES = CHECKOUT / "deploy" / "monitoring" / "prometheus_rule.yaml"
START_SECONDS = 30.0


def program(name: str) -> Path:
    """Return the path of ``prometheus`` or ``promtool``.

    Raises CalledProcessError when apt cannot fetch the package.
    """
    kept = cache_directory() / "prometheus"
    if not (kept / "usr/bin/promtool").exists():
        kept.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "--quiet", "prometheus"], cwd=kept, check=True)
        for package in kept.glob("prometheus_*.deb"):
            subprocess.run(["dpkg", "--extract", package, kept], check=True)
            package.unlink()
    return kept / "usr/bin" / name


def groups(*, at_once: bool = False) -> dict[str, Any]:
    """Return the groups of our rules as Prometheus reads them; ``at_once`` lets alerts fire without their wait."""
    found = {"groups": yaml.safe_load(RULES.read_text("utf-8"))["spec"]["groups"]}
    if at_once:
        for rule in found["groups"][0]["rules"]:
            rule["for"] = "0s"
    return found


def lint(exposition: bytes) -> str:
    """Return what promtool says of metrics that do not follow the conventions; nothing when all do."""
    done = subprocess.run(
        [program("promtool"), "check", "metrics"], input=exposition, capture_output=True, check=False
    )
    return (done.stdout + done.stderr).decode()


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running Prometheus."""

    url: str

    def ask(self, path: str, **query: str) -> Any:  # noqa: ANN401 - whatever it says
        """Return the data of an answer of its API; raises HTTPError for a query that it does not understand."""
        address = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the samples of an expression now."""
        return list(self.ask("query", query=expression)["result"])

    def scrapes(self) -> bool:
        """Tell whether it answers, and reads its target."""
        with suppress(OSError):
            return bool(self.query("up == 1"))
        return False

    def firing(self) -> set[str]:
        """Return the names of the alerts that fire."""
        return {
            alert["labels"]["alertname"]
            for alert in self.ask("alerts")["alerts"]
            if alert["state"] == "firing"
        }


@contextmanager
def running(directory: Path, targets: Sequence[str], rules: Mapping[str, Any]) -> Iterator[Prometheus]:
    """Run one that scrapes each target every second, and looks at the rules as often."""
    (directory / "rules.yaml").write_text(yaml.safe_dump(rules), encoding="utf-8")
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{"job_name": "operator", "static_configs": [{"targets": list(targets)}]}],
    }
    (directory / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    with (directory / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                program("prometheus"),
                f"--config.file={directory / 'prometheus.yml'}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address={address}",
            ],
            stdout=log, stderr=log,
        )  # fmt: skip
    prometheus = Prometheus(f"http://{address}")
    try:
        wait_for(prometheus.scrapes, timeout=START_SECONDS, what="Prometheus scrapes")
        yield prometheus
    finally:
        kill_tree(process.pid)
        process.wait()

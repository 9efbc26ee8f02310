"""Look for known weaknesses of what the image holds: ``python -m tools.audit``.

pip-audit asks OSV (https://osv.dev) for each package of the lock files. Ends with 0 when none is known, with 1 when
some are, and with 3 when OSV cannot be reached: then nothing has been looked at, and only the hashes hold.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements/runtime.lock", "requirements/collections.txt")
OSV = "https://api.osv.dev/v1/query"
PROGRAM = Path(sys.executable).with_name("pip-audit")
FOUND, UNREACHABLE = 1, 3
SECONDS = "15"


def main(arguments: list[str] | None = None) -> int:
    """Audit, print what was found, return the exit code."""
    parser = argparse.ArgumentParser(prog="tools.audit", description=__doc__)
    parser.add_argument("--osv-url", default=OSV, help="where OSV's data are asked for")
    url: str = parser.parse_args(arguments).osv_url
    report, words = ask(url)
    if report is None:
        print(f"NOT AUDITED: {url} does not answer ({words}).")
        print(
            f"What is installed is still what {' and '.join(LOCKS)} pin by hash. Try again where OSV is reached."
        )
        return UNREACHABLE
    found = list(weaknesses(report))
    for line in found:
        print(line)
    print(f"{len(report['dependencies'])} packages, {len(found)} known weaknesses")
    return FOUND if found else 0


def ask(url: str) -> tuple[dict[str, Any] | None, str]:
    """Run pip-audit; give its report, or None and its last words when it could not ask."""
    files = [word for lock in LOCKS for word in ("--requirement", str(CHECKOUT / lock))]
    options = ["--require-hashes", "--disable-pip", "--progress-spinner=off", "--timeout", SECONDS]
    service = ["--vulnerability-service=osv", "--osv-url", url, "--format=json"]
    done = subprocess.run([PROGRAM, *files, *options, *service], capture_output=True, text=True, check=False)
    try:
        return dict(json.loads(done.stdout)), ""
    except ValueError:
        return None, done.stderr.strip().splitlines()[
            -1
        ] if done.stderr.strip() else f"code {done.returncode}"


def weaknesses(report: dict[str, Any]) -> Iterator[str]:
    """Give a line for each weakness: package, version, its names, and what to install."""
    for package in report["dependencies"]:
        for one in package.get("vulns", []):
            names = ", ".join([one["id"], *one.get("aliases", [])])
            fixed = ", ".join(one.get("fix_versions", [])) or "none yet"
            yield f"{package['name']} {package['version']}: {names}; fixed in: {fixed}"


if __name__ == "__main__":
    sys.exit(main())

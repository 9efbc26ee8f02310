"""What the image is made of: a list that equals the lock files, and an audit that says when it could not look."""

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tools import audit
from tools.demo.actors import free_port

CHECKOUT = Path(__file__).resolve().parents[3]
PINNED = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)
WEAK = "aiohttp"


def pinned() -> dict[str, str]:
    """Return the versions of all packages in the lock files of the image."""
    text = "".join((CHECKOUT / lock).read_text(encoding="utf-8") for lock in audit.LOCKS)
    return dict(PINNED.findall(text))


@contextmanager
def osv(weak: str) -> Iterator[str]:
    """A stand-in for OSV that knows one weakness; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(known(weak) if asked["package"]["name"] == weak else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/query"
        server.shutdown()


def known(package: str) -> dict[str, Any]:
    """Return what OSV says of a package with a weakness."""
    affected = {
        "package": {"name": package, "ecosystem": "PyPI"},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "999"}]}],
    }
    return {"vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "summary": "weak", "affected": [affected]}]}


def test_a_known_weakness_is_told_with_its_names(capsys: pytest.CaptureFixture[str]) -> None:
    with osv(WEAK) as url:
        assert audit.main(["--osv-url", url]) == audit.FOUND
    said = capsys.readouterr().out
    assert f"{WEAK} {pinned()[WEAK]}: PYSEC-1, CVE-1; fixed in: 999" in said
    assert f"{len(pinned())} packages, 1 known weaknesses" in said


def test_no_known_weakness_is_told_with_the_number_of_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with osv("nothing-of-ours") as url:
        assert audit.main(["--osv-url", url]) == 0
    assert f"{len(pinned())} packages, 0 known weaknesses" in capsys.readouterr().out


def test_data_that_cannot_be_reached_are_no_good_news(capsys: pytest.CaptureFixture[str]) -> None:
    assert audit.main(["--osv-url", f"http://127.0.0.1:{free_port()}/"]) == audit.UNREACHABLE
    assert capsys.readouterr().out.startswith("NOT AUDITED: http://127.0.0.1:")


def test_the_image_lists_its_packages_by_the_same_program_as_make_sbom() -> None:
    by_image, by_make = (
        dict(PINNED.findall((CHECKOUT / "requirements" / lock).read_text(encoding="utf-8")))
        for lock in ("sbom.lock", "dev.lock")
    )
    assert "cyclonedx-bom" in by_image
    assert by_image.items() <= by_make.items()


def test_the_list_of_packages_equals_the_lock_files() -> None:
    subprocess.run(["make", "sbom"], cwd=CHECKOUT, check=True, capture_output=True)
    listed = json.loads((CHECKOUT / "dist" / "sbom.cdx.json").read_text(encoding="utf-8"))
    assert listed["bomFormat"] == "CycloneDX"
    assert listed["metadata"]["component"]["name"] == "semantic-router-operator"
    assert {one["name"]: one["version"] for one in listed["components"]} == pinned()
    for one in listed["components"]:
        (origin,) = one["externalReferences"]
        assert origin["hashes"], one["name"]

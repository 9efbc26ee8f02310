"""A certificate authority for tests: it issues certificates for servers and clients, by openssl."""

import ssl
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        """Return what a server of this certificate encrypts with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority whose files are in ``directory``."""

    directory: Path

    @classmethod
    def create(cls, directory: Path) -> "Authority":
        """Make its key and certificate."""
        authority = cls(directory)
        pair = authority.pair
        _openssl("req", "-x509", *_NEW_KEY, "-subj", "/CN=authority of tests", *_files(pair))
        return authority

    @property
    def pair(self) -> Pair:
        """The authority's own certificate and key."""
        return Pair(certificate=self.directory / "ca.crt", key=self.directory / "ca.key")

    def issue(self, name: str) -> Pair:
        """Make a certificate for a DNS name."""
        pair = Pair(certificate=self.directory / f"{name}.crt", key=self.directory / f"{name}.key")
        signer = ("-CA", str(self.pair.certificate), "-CAkey", str(self.pair.key))
        alternative = ("-addext", f"subjectAltName=DNS:{name}")
        _openssl("req", "-x509", *_NEW_KEY, *signer, "-subj", "/CN=issued", *alternative, *_files(pair))
        return pair


def _files(pair: Pair) -> Sequence[str]:
    return ("-keyout", str(pair.key), "-out", str(pair.certificate))


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)

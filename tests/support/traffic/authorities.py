"""A certificate authority for tests: it issues certificates for servers and clients, by openssl."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

SETTINGS = "[req]\ndistinguished_name = name\n[name]\n"
"""Only what is said here goes into a certificate, whatever this machine's defaults are."""

_NEW = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
_IDENTIFIERS = ("subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid:always")
_OF_AUTHORITY = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path

    def files(self) -> dict[str, str]:
        """Return what a Secret of the type ``kubernetes.io/tls`` holds."""
        return {"tls.crt": self.certificate.read_text(), "tls.key": self.key.read_text()}

    def server_context(self, clients: "Authority | None" = None) -> ssl.SSLContext:
        """Return what a server of this certificate encrypts with; ``clients`` have to show one of that authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        if clients:
            context.load_verify_locations(clients.pair.certificate)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority whose files are in ``directory``."""

    directory: Path

    @classmethod
    def create(cls, directory: Path) -> "Authority":
        """Make its key and certificate."""
        authority = cls(directory)
        (directory / "openssl.cnf").write_text(SETTINGS, encoding="utf-8")
        authority._make(authority.pair, "authority of tests", (), *_OF_AUTHORITY)
        return authority

    @property
    def pair(self) -> Pair:
        """The authority's own certificate and key."""
        return Pair(certificate=self.directory / "ca.crt", key=self.directory / "ca.key")

    def issue(self, name: str) -> Pair:
        """Make a certificate for a DNS name, for a server or a client."""
        pair = Pair(certificate=self.directory / f"{name}.crt", key=self.directory / f"{name}.key")
        signer = ("-CA", str(self.pair.certificate), "-CAkey", str(self.pair.key))
        self._make(pair, "issued", signer, "basicConstraints=critical,CA:FALSE", f"subjectAltName=DNS:{name}")
        return pair

    def _make(self, pair: Pair, subject: str, signer: tuple[str, ...], *extensions: str) -> None:
        files = ("-config", str(self.directory / "openssl.cnf"), "-keyout", str(pair.key))
        added = [word for extension in (*_IDENTIFIERS, *extensions) for word in ("-addext", extension)]
        command = ("openssl", *_NEW, *files, "-out", str(pair.certificate), "-subj", f"/CN={subject}")
        subprocess.run([*command, *signer, *added], check=True, capture_output=True, timeout=60)

"""An API server, and who this process is to it."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """An API server and the credentials for it; certificates and keys are texts in PEM.

    ``server`` is an address without a slash at its end, ``authorization`` the whole header, empty for none. ``expires``
    is when the credentials end by their own word. A token that ``is_renewed`` stands in a file that is kept fresh by
    somebody else.
    """

    server: str
    namespace: str = ""
    authority: str = ""
    insecure: bool = False
    server_name: str = ""
    proxy: str = ""
    certificate: str = ""
    key: str = field(default="", repr=False)
    authorization: str = field(default="", repr=False)
    expires: datetime | None = None
    is_renewed: bool = False


def bearer(token: str) -> str:
    """Give the header for a token; empty for an empty one."""
    return f"Bearer {token.strip()}" if token.strip() else ""

"""What can go wrong with a request, in the words that decisions are made of."""

from collections.abc import Mapping
from dataclasses import dataclass

_NOT_FOUND, _CONFLICT, _GONE, _INVALID = 404, 409, 410, 422
_UNAUTHORIZED, _FORBIDDEN, _TOO_MANY = 401, 403, 429
_SERVER = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server answered; ``retry_after`` are seconds that it asks to wait, 0 for none."""

    code: int
    reason: str = ""
    message: str = ""
    retry_after: float = 0.0


class ClusterError(Exception):
    """A request that failed; the text is the server's own."""

    def __init__(self, text: str, *, retry_after: float = 0.0) -> None:
        """Keep how many seconds the server asks to wait."""
        super().__init__(text)
        self.retry_after = retry_after


class NotFoundError(ClusterError):
    """There is no such object, or no such kind."""


class ConflictError(ClusterError):
    """The object is another one than the one that was meant, has changed, or is there already."""


class ForbiddenError(ClusterError):
    """The operator may not do this."""


class InvalidError(ClusterError):
    """The server refuses what was sent."""


class UnavailableError(ClusterError):
    """The server could not answer now: it can be tried again."""


class FencedError(ClusterError):
    """The request was not sent: this process may not write now."""


class NoCredentialsError(Exception):
    """Nothing says which API server to talk to, or what does cannot be read."""


def error_of(answer: Answer, *, what: str) -> ClusterError:
    """Give the error for an answer that is no success; ``what`` was asked for."""
    kinds: dict[int, type[ClusterError]] = {
        _NOT_FOUND: NotFoundError,
        _CONFLICT: ConflictError,
        _GONE: ConflictError,
        _INVALID: InvalidError,
        _UNAUTHORIZED: ForbiddenError,
        _FORBIDDEN: ForbiddenError,
        _TOO_MANY: UnavailableError,
    }
    kind = kinds.get(answer.code, UnavailableError if answer.code >= _SERVER else InvalidError)
    text = answer.message or answer.reason or "no reason is given"
    return kind(f"{what}: {text} (HTTP {answer.code})", retry_after=answer.retry_after)


def error_in(status: Mapping[str, object], *, what: str) -> ClusterError:
    """Give the error that a ``Status`` of the API server tells of; ``what`` was asked for."""
    code = status.get("code")
    answer = Answer(
        code=code if isinstance(code, int) else _SERVER,
        reason=str(status.get("reason") or ""),
        message=str(status.get("message") or ""),
    )
    return error_of(answer, what=what)

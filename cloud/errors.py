"""Every error of the cloud process, each with the HTTP status that it means and a hint: what the reader can do.

GarduCloudError
├── ConfigurationError          a setting is wrong; the process does not start
├── SchemaError                 the database's schema is older or newer than this release
├── AlreadyExistsError          a name is taken; nothing was changed
├── StillInUseError             409  something needs what should be removed
├── UnauthenticatedError        401  nobody we know
│   ├── ClockSkewError          401  signed at another time than the cloud's; carries that
│   └── KeyRevokedError         401  another key has taken this one's place
├── ForbiddenError              403  somebody we know, who may not do this
│   ├── EdgeLockedError         403  two edges spoke for one site; a person has to choose
│   ├── ContractVersionError    403  edge and cloud speak no version of the contract in common
│   ├── EdgeRevokedError        403  an operator has shut this edge out
│   └── EnrolmentRefusedError   403  the one-time token is unknown, used, expired, revoked, or another site's
├── TooManyRequestsError        429  from this address; carries how long to wait
├── TooBusyError                429  from all edges together; carries how long to wait
├── BodyTooLargeError           413  more than such a request can need
├── MisdirectedRequestError     421  the Host header names somebody else
├── UnsupportedMediaTypeError   415  a write that is not JSON
├── NotFoundError               404  no such transaction, command, …
│   ├── UnknownSiteError        404
│   └── UnknownChargePointError 404
├── NotLockedError              409  there is nothing to unlock
├── InvalidFieldError           422  one field of the request is wrong
├── DatabaseUnavailableError    503  the database did not answer; nothing was changed
├── LinkError                   an edge's request cannot be taken as it is
│   ├── BatchTooLargeError      413  the edge halves its batch
│   ├── UnreadableBatchError    400  `seq` names the event to set aside, where one can be named
│   ├── ChainError              409  the batch does not continue the cloud's chain; carries cursor and hash
│   ├── SnapshotNeededError     410  what changed since the edge's version of a set cannot be told
│   └── EpochError              409  the edge's past is not the one that the cloud knows: greet again
└── CommandError
    ├── NotCancelableError      409  it has started, or has already ended
    └── CommandFailedError      the edge reported that the command failed, or it ran out of time
"""

from __future__ import annotations

from typing import ClassVar

from contract.problems import FieldProblem, Problem


class GarduCloudError(Exception):
    """The root. `hint` says what to do, for the person who reads the message.

    Args:
        message: the fact, in one sentence.
        hint: what the reader can do now.
        extensions: further members of the problem document (RFC 9457 §3.2 "Extension Members").
    """

    kind: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong inside Gardu"
    status: int = 500

    def __init__(self, message: str, *, hint: str | None = None, **extensions: object) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.extensions = extensions

    def problem(self) -> Problem:
        """The same as a problem document."""
        return Problem.model_validate(
            {
                **self.extensions,
                "type": f"urn:gardu:problem:{self.kind}",
                "title": self.title,
                "status": self.status,
                "detail": self.message,
                "hint": self.hint,
                "errors": self.fields(),
            }
        )

    def fields(self) -> list[FieldProblem]:
        """The fields that are wrong; empty unless the error is about fields."""
        return []


class ConfigurationError(GarduCloudError):
    """A setting is wrong: which, what it is, and what would be right."""


class SchemaError(GarduCloudError):
    """The database's schema does not fit this release."""


class AlreadyExistsError(GarduCloudError):
    """A name is taken; nothing was changed."""

    kind, title, status = "already-exists", "It exists already", 409


class StillInUseError(GarduCloudError):
    """Something needs what should be removed; nothing was changed."""

    kind, title, status = "still-in-use", "It is still in use", 409


class UnauthenticatedError(GarduCloudError):
    """The request carries no credential that we know."""

    kind, title, status = "unauthenticated", "Who are you?", 401


class ForbiddenError(GarduCloudError):
    """The credential is good, but not for this."""

    kind, title, status = "forbidden", "Not with this credential", 403


class ContractVersionError(ForbiddenError):
    """Edge and cloud speak no version of the contract in common; `upgrade` says which of them is behind."""

    kind, title = "contract-version", "No version of the contract in common"


class EdgeLockedError(ForbiddenError):
    """Two edges spoke for one site: nothing is taken from either, until an operator chose the one that goes on."""

    kind, title = "edge-locked", "This edge is locked"


class ClockSkewError(UnauthenticatedError):
    """The request was signed at another time than the cloud's. `server_time` says what time it is here."""

    kind, title = "clock-skew", "Your clock differs from ours"


class KeyRevokedError(UnauthenticatedError):
    """The key was good once."""

    kind, title = "key-revoked", "This key has ended"


class EdgeRevokedError(ForbiddenError):
    """An operator has shut this edge out."""

    kind, title = "edge-revoked", "This edge is shut out"


class EnrolmentRefusedError(ForbiddenError):
    """The one-time token does not open this door."""

    title = "The enrolment token is not good"

    def __init__(self, message: str, *, kind: str, hint: str) -> None:
        super().__init__(message, hint=hint)
        self._kind = kind

    def problem(self) -> Problem:
        """With a kind of its own for each reason."""
        return super().problem().model_copy(update={"type": f"urn:gardu:problem:enrolment-token-{self._kind}"})


class TooManyRequestsError(GarduCloudError):
    """Too many attempts from one address. `retry_after_s` says how long to wait."""

    kind, title, status = "too-many-requests", "Too many attempts", 429


class TooBusyError(GarduCloudError):
    """More requests of edges than are taken at once. `retry_after_s` says how long to wait."""

    kind, title, status = "too-busy", "Come again a little later", 429


class BodyTooLargeError(GarduCloudError):
    """The body is larger than such a request can need."""

    kind, title, status = "body-too-large", "The body is too large", 413


class MisdirectedRequestError(GarduCloudError):
    """The Host header names somebody else (DNS rebinding, or a setting that is missing)."""

    kind, title, status = "misdirected-request", "This host name is not ours", 421


class UnsupportedMediaTypeError(GarduCloudError):
    """A write that is not JSON."""

    kind, title, status = "unsupported-media-type", "Writes must be JSON", 415


class NotFoundError(GarduCloudError):
    """There is no such thing."""

    kind, title, status = "not-found", "Not found", 404


class UnknownSiteError(NotFoundError):
    """No such site."""

    kind, title = "unknown-site", "Unknown site"


class UnknownChargePointError(NotFoundError):
    """No such charge point at this site."""

    kind, title = "unknown-charge-point", "Unknown charge point"


class NotLockedError(GarduCloudError):
    """The edge is not locked: there is nothing to choose."""

    kind, title, status = "not-locked", "The edge is not locked", 409


class InvalidFieldError(GarduCloudError):
    """One field of the request is wrong, in a way that a schema cannot say."""

    kind, title, status = "invalid-request", "The request is not valid", 422

    def __init__(self, field: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(f"{field}: {message}", hint=hint)
        self._fields = [FieldProblem(field=field, message=message)]

    def fields(self) -> list[FieldProblem]:
        """The one field."""
        return self._fields


class DatabaseUnavailableError(GarduCloudError):
    """The database did not answer; nothing was changed."""

    kind, title, status = "database-unavailable", "The database does not answer", 503


class LinkError(GarduCloudError):
    """An edge's request cannot be taken as it is."""


class BatchTooLargeError(LinkError):
    """The body is larger than the cloud takes at once."""

    kind, title, status = "batch-too-large", "The batch is too large", 413


class UnreadableBatchError(LinkError):
    """The body cannot be read. The extension `seq`, where present, names the event to set aside."""

    kind, title, status = "unreadable-batch", "The batch cannot be read", 400


class ChainError(LinkError):
    """The batch does not continue the cloud's chain. `cursor` and `hash` say where that one stands."""

    kind, title, status = "chain-broken", "The batch does not continue what the cloud has", 409

    def __init__(self, message: str, *, cursor: int, chain_hash: str) -> None:
        super().__init__(
            message, hint="Greet again, then send what follows the cursor.", cursor=cursor, hash=chain_hash
        )


class SnapshotNeededError(LinkError):
    """The edge's version of a set is of another database, too old, or one that never was."""

    kind, title, status = "snapshot-needed", "Take a snapshot", 410


class EpochError(LinkError):
    """The edge speaks under another epoch, or has a past that the cloud does not know."""

    kind, title, status = "epoch-mismatch", "The epoch does not fit", 409


class CommandError(GarduCloudError):
    """About a command."""


class NotCancelableError(CommandError):
    """It has started, or has already ended."""

    kind, title, status = "not-cancelable", "The command cannot be taken back", 409


class CommandFailedError(CommandError):
    """A command ended without the charge point's answer."""

    title = "The command failed"

    def __init__(self, message: str, *, kind: str, status: int, hint: str | None = None, **extensions: object) -> None:
        super().__init__(message, hint=hint, **extensions)
        self._kind = kind
        self.status = status

    def problem(self) -> Problem:
        """As its cause."""
        return super().problem().model_copy(update={"type": f"urn:gardu:problem:{self._kind}"})

"""Every error of the edge process.

GarduEdgeError                 carries a hint: what the reader can do
├── ConfigurationError         a setting is wrong; the process does not start
├── LocalProtocolError         we were about to break OCPP-J
├── IllegalStepError           we were about to move a command where it cannot go
├── RemoteProtocolError        a charge point broke OCPP-J; carries the CALLERROR code
├── EnrolmentError             the cloud did not take this edge's key
├── StoreError                 the database
│   ├── StoreUnavailableError  a commit failed; nothing was answered
│   └── SchemaTooNewError      the database belongs to a newer release
├── UnknownChargePointError    no such charge point at this site
├── NotConnectedError          known, but without a connection now
│   └── ConnectionBrokeError   the connection broke while a call waited for its answer
├── NoConnectorError           no connector is free for a remote start
├── TooManyKeysError           a charge point has not logged in with the new keys that it was sent
├── UnsuitableOperationError   the charge point's kind is known not to bear what was asked
├── TooLongValueError          a configuration value that this charge point cannot take
├── LastRootError              a charge point would lose the root by which it knows this edge
├── CallFailedError            the charge point answered CALLERROR
│   └── UnreadableAnswerError  what it answered is no object
├── CallTimeoutError           the charge point did not answer in time
└── TooLateError               the deadline passed before the call was sent
"""

from __future__ import annotations


class GarduEdgeError(Exception):
    """The root. `hint` says what to do, for the person who reads the message."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class ConfigurationError(GarduEdgeError):
    """A setting is wrong: which, what it is, and what would be right."""


class LocalProtocolError(GarduEdgeError):
    """We were about to break OCPP-J."""


class IllegalStepError(GarduEdgeError):
    """What happened cannot happen to a command in this state."""


class RemoteProtocolError(GarduEdgeError):
    """A charge point sent what cannot be processed.

    Args:
        code: the CALLERROR code (OCPP-J 1.6 §4.2.3 "CallError").
        message: what is wrong, without repeating the payload.
        message_id: of the frame, as far as it could be read.
        action: of the frame, as far as it could be read.
    """

    def __init__(
        self, code: str, message: str, *, message_id: str | float | None = None, action: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message_id = message_id
        self.action = action


class EnrolmentError(GarduEdgeError):
    """The cloud did not take this edge's key.

    Args:
        message: why.
        hint: what to do.
        may_pass: trying again without a change may help.
    """

    def __init__(self, message: str, *, hint: str | None = None, may_pass: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.may_pass = may_pass


class StoreError(GarduEdgeError):
    """The database."""


class StoreUnavailableError(StoreError):
    """A commit failed: the batch was rolled back and nothing of it may be answered."""


class SchemaTooNewError(StoreError):
    """The database was written by a newer release."""


class UnknownChargePointError(GarduEdgeError):
    """No charge point of this identity is known at this site."""


class NotConnectedError(GarduEdgeError):
    """The charge point is known but has no connection."""


class ConnectionBrokeError(NotConnectedError):
    """The connection broke while a call waited for its answer. The charge point may or may not have obeyed."""


class NoConnectorError(GarduEdgeError):
    """A remote start named no connector, and none is free."""


class TooManyKeysError(GarduEdgeError):
    """A charge point was sent several new keys and has logged in with none of them."""


class UnsuitableOperationError(GarduEdgeError):
    """What was asked for is known to harm this kind of charge point. Nothing was sent."""


class TooLongValueError(GarduEdgeError):
    """A configuration value is longer than this kind of charge point takes. Nothing was sent."""


class LastRootError(GarduEdgeError):
    """A charge point would lose the root certificate by which it knows this edge."""


class CallFailedError(GarduEdgeError):
    """The charge point answered CALLERROR.

    Args:
        code: the code as the charge point spelled it.
        description: its text, as it came.
    """

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"The charge point answered {code}: {description or 'no description'}")
        self.code = code
        self.description = description


class UnreadableAnswerError(CallFailedError):
    """The charge point's answer is no object."""

    def __init__(self) -> None:
        super().__init__("FormationViolation", "The answer's payload is no object.")


class CallTimeoutError(GarduEdgeError):
    """The charge point did not answer a call in time. It may or may not have obeyed."""


class TooLateError(GarduEdgeError):
    """The deadline of a call passed before it was sent. Nothing was sent."""

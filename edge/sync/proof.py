"""What a carrier shows with a request, so that the cloud believes who asks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from contract.enrolment import SERVER_TIME
from contract.problems import Problem
from edge.clock import Clock
from edge.errors import ConfigurationError


class Proof(Protocol):
    """Proves one edge's requests to one cloud."""

    def authorization(self, method: str, target: str, body: bytes) -> str | None:
        """Give what to show with a request.

        Args:
            method: of HTTP, or `PUBLISH`.
            target: path as the cloud knows it, or topic.
            body: as it is sent.

        Returns:
            A credential; `None`: nothing is shown.
        """
        ...

    def heard(self, server_time: datetime) -> None:
        """Learn what time it is at the cloud."""
        ...

    def learn(self, problem: Problem, shown: str | None) -> bool:
        """Learn from a refusal; returns whether the same request, proven anew, may be taken.

        Args:
            problem: what the cloud said.
            shown: what `authorization` gave for the request that was refused.
        """
        ...


class SharedSecret:
    """The simple way: one secret, shown with every request.

    Args:
        secret: appears in no message.

    Raises:
        ConfigurationError: HTTP cannot carry it.
    """

    def __init__(self, secret: str) -> None:
        if not secret.isascii() or not secret.isprintable() or not secret or " " in secret:
            # httpx would quote such a value in its error message
            raise ConfigurationError(
                "The secret of the cloud link is empty, or has blanks or characters that HTTP cannot carry.",
                hint="Copy it again from `gardu-cloud add-site --secret`.",
            )
        self._secret = secret

    def authorization(self, method: str, target: str, body: bytes) -> str | None:
        """See `Proof.authorization`."""
        del method, target, body
        return self._secret

    def heard(self, server_time: datetime) -> None:
        """See `Proof.heard`."""

    def learn(self, problem: Problem, shown: str | None) -> bool:
        """See `Proof.learn`."""
        del problem, shown
        return False


class BrokerAlone:
    """Over MQTT, for an edge that never enrolled: its password at the broker says who it is, and nothing is shown."""

    def authorization(self, method: str, target: str, body: bytes) -> str | None:
        """See `Proof.authorization`."""
        del method, target, body
        return None

    def heard(self, server_time: datetime) -> None:
        """See `Proof.heard`."""

    def learn(self, problem: Problem, shown: str | None) -> bool:
        """See `Proof.learn`."""
        del problem, shown
        return False


class ServerClock:
    """What time it is at the cloud: as last told, and on by a clock that nobody sets. Until then, this machine's time.

    Args:
        clock: the machine's clocks.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: tuple[datetime, float] | None = None

    def now(self) -> datetime:
        """The best that is known."""
        if self._told is None:
            return self._clock.now()
        time, at = self._told
        return time + timedelta(seconds=self._clock.boottime() - at)

    def heard(self, time: datetime) -> None:
        """Learn the time."""
        self._told = (time, self._clock.boottime())

    def learn(self, problem: Problem) -> bool:
        """Learn it from a refusal; returns whether one was told."""
        told = (problem.model_extra or {}).get(SERVER_TIME)
        try:
            time = datetime.fromisoformat(told) if isinstance(told, str) else None
        except ValueError:
            return False
        if time is None or time.tzinfo is None:
            return False
        self.heard(time)
        return True

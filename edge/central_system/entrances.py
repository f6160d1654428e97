"""The entrances for charge points, and the certificates that they show: given ones, or the edge's own."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from edge.central_system import tls
from edge.central_system.gate import Entrance
from edge.clock import Clock
from edge.domain.security_profile import SecurityProfile
from edge.store import roots
from edge.store.roots import Root
from edge.store.writer import Writer, WriteTx

if TYPE_CHECKING:
    from edge.store.authority import Authority

Place = tuple[str, int, SecurityProfile]
"""Host, port, security profile."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """What the settings say about certificates."""

    given: Sequence[tuple[Path, Path]] = ()
    """Chain and key of the server's; none: the edge makes its own."""
    client_roots: Sequence[str] = ()
    """PEM of further roots of the charge points' certificates."""
    server_names: Sequence[str] = ()
    """DNS names of the edge."""


@dataclass
class Entrances:
    """Makes the entrances, and lets them follow the root in use."""

    places: Sequence[Place]
    certificates: Certificates
    authority: Callable[[], Authority]
    writer: Writer
    clock: Clock
    _contexts: list[ssl.SSLContext] = field(default_factory=list)

    async def build(self) -> list[Entrance]:
        """Make them, in the order of `places`.

        Raises:
            ConfigurationError: a certificate cannot be used.
        """
        shown, trusted = await self._material()
        made = [self._entrance(place, shown, trusted) for place in self.places]
        self._contexts = [entrance.tls for entrance in made if entrance.tls is not None]
        return made

    async def follow(self, root: Root) -> None:
        """Show certificates of this root from now on; connections that stand are not touched."""
        shown = self.certificates.given or await self._own(root) if self._contexts else []
        for context in self._contexts:
            if context.verify_mode is ssl.CERT_REQUIRED:
                tls.trust(context, root.pem)
            for chain, key in shown:
                tls.load(context, chain, key)

    async def renew(self) -> list[Path]:
        """Show the server's certificates anew: given files as they are now, own ones renewed where they end soon.

        Connections that stand are not touched.

        Returns:
            The chains that are shown.

        Raises:
            ConfigurationError: they cannot be used; what was shown before is shown on.
        """
        if not self._contexts:
            return []
        shown = self.certificates.given
        if not shown:
            root, _ = await self.writer.run(self._roots)
            shown = await self._own(root)
        tls.server_context(shown, client_roots=None)  # a key that does not fit must not reach those in use
        for context in self._contexts:
            for chain, key in shown:
                tls.load(context, chain, key)
        return [chain for chain, _ in shown]

    def _entrance(self, place: Place, shown: Sequence[tuple[Path, Path]], trusted: Sequence[str]) -> Entrance:
        host, port, profile = place
        if not profile.over_tls:
            return Entrance(host, port, profile)
        mutual = profile is SecurityProfile.CLIENT_CERTIFICATE
        return Entrance(host, port, profile, tls.server_context(shown, client_roots=trusted if mutual else None))

    async def _material(self) -> tuple[Sequence[tuple[Path, Path]], list[str]]:
        """Give what is shown and what is trusted; the edge's own authority is asked only where it is needed."""
        profiles = {profile for _, _, profile in self.places}
        shown, trusted = self.certificates.given, list(self.certificates.client_roots)
        mutual = SecurityProfile.CLIENT_CERTIFICATE in profiles
        if mutual or (not shown and any(profile.over_tls for profile in profiles)):
            root, every = await self.writer.run(self._roots)
            trusted += [one.pem for one in every]
            shown = shown or await self._own(root)
        return shown, trusted

    def _roots(self, tx: WriteTx) -> tuple[Root, list[Root]]:
        root = self.authority().ensure_root(tx.connection, self.clock.now())
        return root, roots.all_of(tx.connection)

    async def _own(self, root: Root) -> Sequence[tuple[Path, Path]]:
        names = list(self.certificates.server_names)
        return await asyncio.to_thread(self.authority().server_certificates, root, names, self.clock.now())

"""Who greets, and what becomes of it: the tables of epochs. No I/O.

Only the cloud grants epochs. One store after the other, and one life of a store after the other, speaks for a site;
what was superseded is not believed again, unless it is a disk that was put back on a machine that has booted since.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Store(StrEnum):
    """Which database greets."""

    FIRST = "first"
    """The first that ever spoke for this site."""
    PRESENT = "present"
    """The one that holds the present epoch."""
    SUPERSEDED = "superseded"
    """One that another has taken the place of."""
    NEW = "new"
    """One that the cloud has never heard of."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the cloud knows of who greets."""

    store: Store
    told_epoch: int
    present_epoch: int
    locked: bool = False
    refused: bool = False
    """An operator let another one go on."""
    chosen: bool = False
    """An operator let this one go on."""
    has_granted_claim: bool = False
    """It shows the claim that the present epoch was granted for."""
    never_spoke_earlier: bool = False
    """The present epoch is the first that this store was ever granted."""
    is_granted_boot: bool = False
    """It runs on the machine that the present epoch was granted to, since the same boot."""
    heard_under: int | None = None
    """The epoch that this boot of its machine was last believed under; `None`: this boot was never heard before."""
    past_fits: bool = True
    """As far as the heads tell, its past continues the cloud's."""
    asks: bool = False
    """It shows its past, since its own comparison found that it is another."""

    @property
    def holds_the_present(self) -> bool:
        """It is the machine and store that the present epoch was granted to, whatever backup it is restored from."""
        return self.store is Store.PRESENT and self.is_granted_boot

    @property
    def was_put_back(self) -> bool:
        """Its disk may have been put back once more: it runs since another boot than the lives before the present one.

        Whoever restores a disk ends the life before it, which never speaks again. The lives of a copied card speak in
        turns: the other one's next word, of a boot that was heard, shows it.
        """
        return self.is_granted_boot or self.heard_under in {None, self.present_epoch}

    @property
    def was_granted_the_present(self) -> bool:
        """The present epoch is its own already, whichever one it tells of."""
        return self.told_epoch == self.present_epoch or self.has_granted_claim or self.never_spoke_earlier


class Speaker(StrEnum):
    """Who that is."""

    NEWCOMER = "newcomer"
    PRESENT = "present"
    PARTED = "parted"
    """The holder of the present epoch, with another past than the cloud's: restored from a backup, or copied."""
    REIMAGED = "re-imaged"
    GRANTED = "granted"
    """It was granted the present epoch and has not heard so yet."""
    AHEAD = "ahead"
    """It holds an epoch that this cloud has not granted: the cloud was restored to a day before."""
    LATE = "late"
    """An old greeting of the holder of the present epoch that took a long way, or its disk was put back once more."""
    SUPERSEDED = "superseded"
    """Its epoch was granted on to another: its card was copied, or an old card is back."""
    CHOSEN = "chosen"
    OUTCAST = "outcast"
    LOCKED_OUT = "locked out"


class Verdict(StrEnum):
    """What becomes of the greeting."""

    RESUME = "resume"
    """Answer with the cursors of the present epoch."""
    BEGIN = "begin"
    """Grant the first epoch."""
    SUCCEED = "succeed"
    """Grant the next epoch, from number 1."""
    COMPARE = "compare"
    """Find the place where the pasts part, then grant the next epoch from there."""
    REMEMBER = "remember"
    """Take over the edge's epoch, from the cursors of the present one."""
    GREET_AGAIN = "greet again"
    LOCK = "lock"
    TURN_AWAY = "turn away"


VERDICTS: dict[Speaker, Verdict] = {
    Speaker.NEWCOMER: Verdict.BEGIN,
    Speaker.PRESENT: Verdict.RESUME,
    Speaker.PARTED: Verdict.COMPARE,
    Speaker.REIMAGED: Verdict.SUCCEED,
    Speaker.GRANTED: Verdict.RESUME,
    Speaker.AHEAD: Verdict.REMEMBER,
    Speaker.LATE: Verdict.GREET_AGAIN,
    Speaker.SUPERSEDED: Verdict.LOCK,
    Speaker.CHOSEN: Verdict.COMPARE,
    Speaker.OUTCAST: Verdict.TURN_AWAY,
    Speaker.LOCKED_OUT: Verdict.TURN_AWAY,
}


_OF_STORE = {
    Store.FIRST: Speaker.NEWCOMER,
    Store.NEW: Speaker.REIMAGED,
    Store.SUPERSEDED: Speaker.SUPERSEDED,
}


def recognise(facts: Facts) -> Speaker:
    """Tell who greets."""
    if facts.locked:
        return Speaker.LOCKED_OUT
    if facts.refused and not facts.holds_the_present:
        return Speaker.OUTCAST
    if facts.chosen:
        return Speaker.CHOSEN
    return _OF_STORE[facts.store] if facts.store in _OF_STORE else _of_the_present_store(facts)


def _of_the_present_store(facts: Facts) -> Speaker:
    if facts.told_epoch > facts.present_epoch:
        return Speaker.AHEAD
    if facts.told_epoch < facts.present_epoch:
        if facts.was_granted_the_present:
            return Speaker.PARTED if facts.asks else Speaker.GRANTED
        if facts.was_put_back:
            return Speaker.PARTED if facts.asks else Speaker.LATE
        return Speaker.SUPERSEDED
    return Speaker.PRESENT if facts.past_fits and not facts.asks else Speaker.PARTED


@dataclass(frozen=True, slots=True)
class Told:
    """How far an edge remembers that this incarnation of the cloud came."""

    acknowledged: int
    cursor: int
    """Where the cloud's stream ends in fact."""


def was_restored(
    told: list[Told], *, commands_told: int | None, commands_given: int, another_command: bool = False
) -> bool:
    """Whether the cloud has forgotten what it once told an edge, in this incarnation: it was restored from a backup.

    Args:
        told: of each stream of the present epoch.
        commands_told: the highest number of a command that the edge has; `None`: it does not say.
        commands_given: the highest number that the cloud has given.
        another_command: the edge's number was given to another command than the one that it has.
    """
    forgot_a_command = another_command or (commands_told or 0) > commands_given
    return forgot_a_command or any(one.acknowledged > one.cursor for one in told)

from __future__ import annotations

from edge.domain.alarms import MEANINGS, AlarmKind


def test_every_kind_of_alarm_says_what_it_is_and_what_to_do() -> None:
    assert set(MEANINGS) == set(AlarmKind)
    for meaning in MEANINGS.values():
        assert meaning.sentence.endswith(".")
        assert meaning.what_to_do.endswith(".")

from __future__ import annotations

from edge.domain.recent import Recent
from edge.domain.urgency import urgency


def test_what_protects_goes_before_what_serves_and_questions_go_last() -> None:
    asked = ["GetDiagnostics", "ChangeConfiguration", "ClearChargingProfile", "RemoteStartTransaction"]
    asked += ["RemoteStopTransaction", "SetChargingProfile"]
    assert sorted(asked, key=urgency) == [
        "RemoteStopTransaction",
        "SetChargingProfile",
        "RemoteStartTransaction",
        "ClearChargingProfile",
        "ChangeConfiguration",
        "GetDiagnostics",
    ]


def test_only_what_happened_lately_counts() -> None:
    recent = Recent(within_s=10, keep=3)
    assert [recent.add(second) for second in (0, 5, 9)] == [1, 2, 3]
    assert recent.count(10) == 2
    assert recent.add(16) == 2
    assert recent.count(100) == 0
    assert [recent.add(200) for _ in range(5)] == [1, 2, 3, 3, 3]

"""What is known of charge points by vendor, model and firmware: the file and how it is looked up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.ocpp16.quirk_flags import Quirks
from edge.ocpp16.quirks import STANDARD, Row, general, load, merged, quirks_of, rows

ROW = """
rows:
  - {{name: a, vendor: A*, why: it is so, does: nothing, source: here, example: [A1, M, '1'], {0}}}
general: []
"""


def test_a_row_without_a_flag_names_the_general_rule_that_covers_it() -> None:
    rule = "general: [{name: rule, seen_at: here, what: So., source: there, test: 'a.py::b'}]"
    assert load(ROW.format("general: [rule]").replace("general: []", rule)).rows[0].general == ("rule",)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_each_row_can_be_reached_and_decides_something(row: Row) -> None:
    assert row.fits(*row.example)
    found = quirks_of(*row.example)
    alone = merged([row])
    for flag in row.flags:
        if flag == "advice":
            assert set(alone.advice) <= set(found.advice)
        else:
            assert getattr(found, flag) == getattr(alone, flag) != getattr(_without(row), flag), flag


def _without(row: Row) -> Quirks:
    """What would be known if the row were not there."""
    return merged([other for other in rows() if other.fits(*row.example) and other is not row])


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_each_row_says_why_and_where_it_was_seen(row: Row) -> None:
    assert row.why.endswith(".")
    assert row.does.endswith(".")
    assert all(row.source)
    assert all(one.what.endswith(".") and one.source and one.seen_at for one in general())


@pytest.mark.parametrize("flag", Quirks.model_fields)
def test_each_flag_is_set_by_a_row_and_says_what_it_means(flag: str) -> None:
    assert Quirks.model_fields[flag].description
    assert any(flag in row.flags for row in rows())


@pytest.mark.parametrize(
    "who", [(None, None, None), ("VendorA", "ModelB", "1.0"), ("", "", None), ("VendorA", None, None)]
)
def test_a_charge_point_of_which_nothing_is_known_has_the_standards_own_values(who: tuple[str | None, ...]) -> None:
    assert quirks_of(*who) is STANDARD
    assert (STANDARD.idtag_max, STANDARD.config_value_max, STANDARD.profile_in_remote_start) == (20, 500, True)


def test_the_case_of_a_name_does_not_matter() -> None:
    assert quirks_of("FOXESS ", "a", None) == quirks_of("FoxESS", "b", "1") != STANDARD


def test_a_firmware_that_is_not_known_may_be_any() -> None:
    assert quirks_of("ABB", "TAC-W22", None).skip_measurand_probing
    assert not quirks_of("ABB", "TAC-W22", "1.8.22").skip_measurand_probing


def test_the_later_row_wins_and_advice_is_collected() -> None:
    general, special = _row(a=True), _row(a=False)
    assert merged([general, special]).wait_for_boot is False
    assert merged([general, special]).advice == ("a True", "a False")


def _row(*, a: bool) -> Row:
    flags = {"wait_for_boot": a, "advice": [f"a {a}"]}
    return Row(
        name=f"n{a}", vendor=("V",), why="Since.", does="So.", source=("here",), example=("V", "M", None), flags=flags
    )


@pytest.mark.parametrize(
    ("bounds", "firmware", "holds"),
    [
        ("<=1.8.21", "1.8.21", True),
        ("<=1.8.21", "V1.8.21-rc", True),
        ("<=1.8.21", "1.8.22", False),
        ("<=1.8.21", "1.9", False),
        ("<2", "1.99.99", True),
        (">2", "2.0.0", False),
        (">2", "2.0.1", True),
        ("==56.2", "056.2", True),
        ("==56.2", "56.20", False),
        (">=6.4, <6.5", "6.4.3", True),
        (">=6.4, <6.5", "6.5", False),
        (">=1", "no number", False),
    ],
)
def test_versions_are_compared_number_by_number(bounds: str, firmware: str, holds: bool) -> None:  # noqa: FBT001
    row = load(ROW.format(f"firmware: '{bounds}', flags: {{stack_zero: true}}")).rows[0]
    assert row.fits("A1", "M", firmware) is holds


@pytest.mark.parametrize(
    "wrong",
    [
        "flags: {}",
        "general: [no-such-rule]",
        "flags: {no_such_flag: true}",
        "flags: {stack_zero: 'yes'}",
        "flags: {unit: kW}",
        "flags: {json_repair: [magic]}",
        "flags: {idtag_max: 21}",
        "flags: {stack_zero: true}, firmware: newer",
        "flags: {stack_zero: true}, colour: red",
    ],
)
def test_a_file_that_breaks_its_own_rules_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        load(ROW.format(wrong))


def test_a_name_is_used_once() -> None:
    one = ROW.format("flags: {stack_zero: true}")
    twice = one.replace("general: []", "") + one.split("rows:\n")[1]
    with pytest.raises(ValueError, match="used twice: a"):
        load(twice)


@given(vendor=st.text() | st.none(), model=st.text() | st.none(), firmware=st.text() | st.none())
def test_whatever_a_charge_point_calls_itself_it_has_quirks(
    vendor: str | None, model: str | None, firmware: str | None
) -> None:
    assert isinstance(quirks_of(vendor, model, firmware), Quirks)


def test_quirks_cannot_be_changed() -> None:
    anything: Any = STANDARD
    with pytest.raises(ValueError, match="frozen"):
        anything.stack_zero = True

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.domain import configuration
from edge.domain.configuration import RECOMMENDED, Change, Entry
from edge.domain.registration import hardware_changes
from edge.ocpp16.quirks import STANDARD, Quirks

MEASURANDS = "MeterValuesSampledData"


def test_only_what_is_reported_and_differs_and_may_be_written_is_set() -> None:
    reported = [
        Entry("METERVALUESAMPLEINTERVAL", "0", readonly=False),
        Entry("LocalPreAuthorize", "TRUE", readonly=False),
        Entry("ConnectionTimeOut", "30", readonly=True),
        Entry("ResetRetries", "3", readonly=False),
    ]
    desired = {
        "MeterValueSampleInterval": "60",
        "LocalPreAuthorize": "true",
        "ConnectionTimeOut": "120",
        "ResetRetries": "1",
        "NotThere": "1",
    }
    assert configuration.plan(reported, desired, [("resetretries", "1")]) == [
        Change("METERVALUESAMPLEINTERVAL", "60"),
    ]
    assert configuration.differing(reported, desired) == [
        "MeterValueSampleInterval",
        "ConnectionTimeOut",
        "ResetRetries",
        "NotThere",
    ]


@pytest.mark.parametrize(
    ("key", "wanted", "reported", "same"),
    [
        ("HeartbeatInterval", "60", " 060", True),
        ("HeartbeatInterval", "60", "61", False),
        ("LocalPreAuthorize", "true", "True", True),
        ("CpoName", "Campus", "campus", False),
        ("CpoName", "Campus", None, False),
        (MEASURANDS, "Voltage,Current.Import", "'Current.Import', \"Voltage\"", True),
        (MEASURANDS, "", "", True),
        (MEASURANDS, "Voltage", "", False),
    ],
)
def test_values_are_the_same_when_they_mean_the_same(key: str, wanted: str, reported: str | None, same: bool) -> None:  # noqa: FBT001
    assert configuration.same(key, wanted, reported) is same


def test_later_layers_win_and_null_leaves_a_key_alone() -> None:
    merged = configuration.effective(STANDARD, {"A": "1", "B": "2", "C": "3"}, {"b": None}, {"c": "4"})
    assert merged == {"A": "1", "c": "4"}


def test_what_is_known_of_a_model_lies_between_the_site_and_what_an_operator_wants_of_the_model() -> None:
    quirks = Quirks(one_known_measurand_list=("Voltage",), sample_interval_min_s=90, aligned_data_fixed=True)
    merged = configuration.effective(quirks, RECOMMENDED)
    assert merged[MEASURANDS] == "Voltage"
    assert merged["MeterValueSampleInterval"] == "90"
    assert "ClockAlignedDataInterval" not in merged
    assert configuration.effective(quirks, RECOMMENDED, {MEASURANDS: "Power.Offered"})[MEASURANDS] == "Power.Offered"


def test_a_model_that_is_harmed_by_probing_and_has_no_known_list_keeps_its_own() -> None:
    merged = configuration.effective(Quirks(skip_measurand_probing=True), RECOMMENDED)
    assert not configuration.MEASURAND_LISTS & {key.lower() for key in merged}


@given(
    st.lists(st.sampled_from(["A", "B", "C", "D", "E"]), unique=True, max_size=5),
    st.lists(st.sampled_from(["A", "B", "C", "D", "E"]), unique=True, max_size=5),
    st.integers(0, 5),
)
def test_wherever_a_negotiation_stops_the_list_is_the_old_one_or_the_longest_that_is_taken(
    wanted: list[str], current: list[str], most: int
) -> None:
    held = ",".join(current)
    states = [held]
    for shorter in configuration.shorter_lists(",".join(wanted), held):
        if len(configuration.measurands(shorter)) <= most:
            states.append(shorter)
            break
    assert len(states) <= 2
    if len(states) == 2:
        assert states[1] == ",".join(wanted[: min(most, len(wanted))])


@pytest.mark.parametrize(("most", "sizes"), [("3", [3, 3, 1]), (None, [7]), ("0", [7]), ("x", [7]), ("999", [7])])
def test_keys_are_asked_for_in_groups_of_what_the_charge_point_takes(most: str | None, sizes: list[int]) -> None:
    keys = ["a", "b", "c", "d", "e", "f", "g", "A"]
    assert [len(group) for group in configuration.groups(keys, most)] == sizes


@pytest.mark.parametrize(
    ("item", "entry"),
    [
        ({"key": " A ", "readonly": "True", "value": 7}, Entry("A", "7", readonly=True)),
        ({"key": "A", "value": True}, Entry("A", "true", readonly=False)),
        ({"key": "A", "readonly": False, "value": None}, Entry("A", None, readonly=False)),
        ({"key": ""}, None),
        ("A", None),
    ],
)
def test_an_entry_is_read_however_it_spells_its_value(item: object, entry: Entry | None) -> None:
    assert configuration.read_entry(item) == entry


@pytest.mark.parametrize("key", ["AuthorizationKey", "StationPassword", "WifiPasswd", "PUK", "evb_Token"])
def test_secrets_are_told_by_their_names(key: str) -> None:
    assert configuration.is_secret(key)


def test_other_names_are_no_secrets() -> None:
    assert not configuration.is_secret("HeartbeatInterval")


def test_another_device_is_told_by_what_it_says_and_not_by_what_it_leaves_out() -> None:
    assert hardware_changes(("V", "M", "S"), ("V", "M", None)) == []
    assert hardware_changes(("V", "M", "S"), ("W", "M", "T")) == [
        "vendor was 'V' and is 'W'",
        "serial number was 'S' and is 'T'",
    ]


@pytest.mark.parametrize(
    ("named", "shorter"),
    [
        (None, {}),
        ("", {}),
        ("Voltage,'Current.Import', Power.Offered", {}),
        ("VOLTAGE", {MEASURANDS: "Voltage"}),
        ("Temperature", {}),
    ],
)
def test_measurands_that_a_charge_point_does_not_name_are_left_out(named: str | None, shorter: dict[str, str]) -> None:
    wanted = {"HeartbeatInterval": "300", "StopTxnSampledData": "", MEASURANDS: "Current.Import,Voltage"}
    assert configuration.measurable(wanted, named) == shorter

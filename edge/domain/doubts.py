"""The doubts that travel with a transaction's record, each in one sentence: docs/explanation/transactions.md."""

from __future__ import annotations

FLAGS: dict[str, str] = {
    # The times
    "no_time_stamp": "The charge point gave no time; the time of receipt stands for it.",
    "unreadable_time_stamp": "The charge point's time could not be read; the time of receipt stands for it.",
    "absurd": "The charge point's time is more than a year off (often 1970); the time of receipt stands for it.",
    "future": "The charge point's time lay more than five minutes ahead, and how far its clock is off is not known.",
    "clock_not_set": "The charge point had booted and not heard the time yet; the time of receipt stands for it.",
    "no_zone": "The charge point's time named no zone and was taken as UTC.",
    "zone_from_skew": "The charge point's time named no zone; the zone is the one that its clock shows.",
    "skewed": "The charge point's clock is off by a known, steady time; the record was corrected by it.",
    "clock_suspect": "The edge's own clock could not be believed when the record arrived.",
    "stop_before_start": "The stop names an earlier time than the start.",
    "stop_in_the_future": "The stop names a time more than five minutes ahead.",
    # The start
    "odd_connector": "The start named no connector, or connector 0.",
    "no_id_tag": "The start named no id tag.",
    "observed": "Its start never arrived; it is known from meter values with a number that the edge had not given.",
    "metered_before_start": "Its start arrived late: it had been observed in meter values before.",
    "salvaged": "The start could not be handled; it was kept as it came, in quarantine, and answered.",
    # The end
    "start_unknown": "Only the stop arrived; it belongs to no transaction that is known.",
    "number_of_another_charge_point": "The stop named a number that belongs to another charge point.",
    "matched_without_number": "The stop named no usable number; it was placed by what else it says.",
    "unknown_reason": "The stop gives a reason that OCPP 1.6 does not have; it is kept as it came.",
    "stopped_by_other_id_tag": "It was stopped by an id tag that neither started it nor shares its parent.",
    "second_stop_differs": "A second stop says something else; the first holds, the second is in quarantine.",
    # Ends that the edge made
    "superseded": "Its stop is missing, and another transaction began on the same connector.",
    "part_of_another": "It was observed while another transaction ran there, and is counted in that one.",
    "lost_stop": "Its stop is missing, and after a suspicion the time for it has passed.",
    "unknown_to_charge_point": "Its charge point rejected a remote stop: it knows no such transaction any more.",
    "closed_by_operator": "A person ended it at the site's API.",
    "estimate_replaced": "The end had been estimated; the charge point's own stop came later and replaced it.",
    "reopened": "The end had been estimated; the charge point went on, so the end was taken back.",
    # The energy
    "no_baseline": "The start, or the end, brought no register reading that can be used.",
    "baseline_from_sample": "The first sample of the register stands for the reading at the start.",
    "meter_went_back": "The register at the stop is below the one at the start.",
    "implausible_energy": "The two readings lie further apart than any connector can deliver in the time.",
    "register_below_start": "A sample of the register was below the reading at the start.",
    "register_reset": "The register began again in between; the energy is the sum of what it rose.",
    "samples_of_another_register": "The samples count on another register than start and stop; the two were not mixed.",
    "energy_from_samples": "The energy is what the register rose from sample to sample.",
    "energy_from_power": "There was no register; the energy is the power over time, an estimate.",
    "meter_stop_from_transaction_end": "The stop's reading was unusable; the sample taken at the end stands for it.",
    "outliers_left_out": "Samples that no connector can deliver were left out; they are in quarantine.",
}
"""By flag."""

SUSPICIONS: dict[str, str] = {
    "connector_has_no_transaction": "Its connector reports Available or Unavailable.",
    "charge_point_booted": "Its charge point has booted and has not shown that it goes on.",
    "charge_point_silent": "Nothing was heard of its charge point for a day.",
    "another_transaction_is_metered": "Meter values of its connector name another transaction.",
    "remote_stop_rejected": "Its charge point rejected a remote stop, while its connector is in use.",
}
"""Why a running transaction may be over, by `suspect_why`."""

"""What a charge point may do otherwise than the standard expects: one flag each, with the standard as default."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from edge.ocppj.repairs import Repair


class ChargingQuirks(BaseModel):
    """What load management will read, once it is built. Until then nothing reads these flags: they are knowledge, kept.

    A flag that something reads has to move to `Quirks`; a test sees to it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)

    pause_instead_of_stop: bool = False
    """After a remote stop nothing starts until the car is unplugged, or the stop is rejected: pause by a limit."""
    charging_class: Literal["A", "B", "C"] | None = None
    """How far it can be trusted to hold a limit: A by itself, B while connected, C hardly; `None`: not judged."""
    no_charging_profiles: bool = False
    """It knows no charging profiles."""
    no_charge_point_max_profile: bool = False
    """ChargePointMaxProfile is rejected, or accepted without effect."""
    unit: Literal["W", "A"] | None = None
    """The only unit of a limit that works; `None`: what ChargingScheduleAllowedChargingRateUnit says."""
    stack_zero: bool = False
    """Profiles work at stack level 0 only."""
    stack_max: int | None = Field(None, ge=0)
    """Its largest stack level whatever it says; `None`: what ChargeProfileMaxStackLevel says."""
    kind_relative: bool = False
    """Only profiles of kind Relative work."""
    no_tx_profile_while_suspended: bool = False
    """A TxProfile that comes while the charging is suspended is accepted and dropped."""
    resend_profile_on_charging: bool = False
    """It forgets its limit when charging resumes: send it again."""
    resend_profile_at_boot: bool = False
    """It forgets its limits at a reboot or reconnect."""
    nudge_after_pause: bool = False
    """A higher limit alone does not end a pause: start anew."""
    whole_amps: bool = False
    """It takes whole amperes only."""
    limits_a: tuple[float, ...] | None = None
    """The only limits that it takes, in A per phase, ascending; it rounds down. `None`: any."""
    min_limit_a: float | None = Field(None, ge=0)
    """Never a lower limit, not even 0, in A per phase; `None`: 0 pauses it as it should."""
    min_limit_w: float | None = Field(None, ge=0)
    """The same in W, for one phase."""
    min_limit_three_phase_w: float | None = Field(None, ge=0)
    """Below this, in W, it falls to one phase."""
    raise_patience_s: int | None = Field(None, ge=1)
    """Seconds that may pass before it follows a higher limit; `None`: soon."""
    clear_patience_s: int | None = Field(None, ge=1)
    """Seconds that may pass before it follows the removal of a default profile; `None`: soon."""
    no_current_offered: bool = False
    """It never reports Current.Offered: trust the last limit that it confirmed."""
    number_phases_ignored: bool = False
    """It says that it switches phases and does not: look at the currents."""
    limit_key: str | None = None
    """A configuration key that holds a limit of its hardware; `None`: none is known."""
    limit_key_per_a: float = Field(1.0, gt=0)
    """The number in `limit_key` that means one ampere."""
    phase_switch_key: str = "ConnectorSwitch3to1PhaseSupported"
    """The configuration key that tells whether it switches phases."""
    bays_behind_one_identity: bool = False
    """Its connectors stand in several cabinets, perhaps on several feeders."""


class Quirks(ChargingQuirks):
    """How a charge point differs from the standard. Every default is what the standard, or its paper, expects."""

    # Connection.
    ping_interval_s: int | None = Field(None, ge=1)
    """Ping it this often, in seconds; `None`: as the site does."""
    does_not_return: bool = False
    """After a restart or a long absence of the central system it does not come back by itself: switch it off and on."""

    # What it sends.
    json_repair: tuple[Repair, ...] = ()
    """Repairs of its text, tried only when it is no JSON; see `edge.ocpp16.repairs`."""
    distrust_clock_until_heartbeat: bool = False
    """After a boot its times are local ones that call themselves UTC, until it heard the time."""
    replays_history: bool = False
    """At its first connection it sends its whole past again: keep it, and let nothing follow from it."""
    samples_relative: bool = False
    """Its samples count from the start of the transaction, while start and stop give the register of its life."""
    meter_tolerance_wh: int = Field(0, ge=0)
    """Its readings of one instant may differ by so much through rounding, in Wh."""
    available_with_car: bool = False
    """It reports Available with a car plugged in: do not read "unplugged" from it."""

    # What it is asked.
    call_after_boot_delay_s: float = Field(0.0, ge=0)
    """Seconds that it needs between the answer to its boot and our first call; 0: the site's usual pause."""
    wait_for_boot: bool = False
    """A call before its BootNotification makes it drop the connection, or is not answered."""
    provisioning_delay_s: float = Field(0.0, ge=0)
    """Seconds between its boot and the first configuration that is sent; 0: the site's usual pause."""
    no_change_availability: bool = False
    """ChangeAvailability is rejected or disturbs it: do not send it unasked."""
    no_trigger_boot: bool = False
    """It does not survive TriggerMessage for a BootNotification."""
    triggers_per_minute: float | None = Field(None, gt=0)
    """It blocks when it is triggered more often; `None`: no limit is known."""
    poll_meter_values_s: int | None = Field(None, ge=1)
    """It sends no samples by itself during a transaction: trigger them this often; `None`: it does."""
    known_keys_only: bool = False
    """It answers a configuration key that it does not know with broken JSON: ask only for keys that it named."""
    config_value_max: int | None = 500
    """Characters of a value in ChangeConfiguration; `None`: it takes certificates there, without limit."""

    # Which samples it takes.
    skip_measurand_probing: bool = False
    """Trying one list of measurands after another does harm: write one that is known to be good, once."""
    one_known_measurand_list: tuple[str, ...] | None = None
    """The measurands that it is known to take; `None`: they are negotiated."""
    measurand_key: str | None = None
    """A configuration key of its own that lists the measurands which it can sample; `None`: it has none."""
    measurands_fixed: bool = False
    """MeterValuesSampledData is read-only or not supported: take what it sends."""
    aligned_data_fixed: bool = False
    """Its clock-aligned configuration keys are read-only."""
    sample_interval_min_s: int | None = Field(None, ge=1)
    """A shorter MeterValueSampleInterval is ignored or hurts; `None`: none is known."""

    # Remote start and stop.
    idtag_max: int = Field(20, ge=1, le=20)
    """Characters of an id tag that it holds."""
    remote_start_id_tag_key: str | None = None
    """It starts remotely only with the id tag that this configuration key holds; `None`: with any."""
    profile_in_remote_start: bool = True
    """RemoteStartTransaction may carry a charging profile; `False`: send the profile once the transaction runs."""

    # For people.
    advice: tuple[str, ...] = ()
    """What whoever installs it has to know. The advice of all rows that fit is collected."""


AWAITING_LOAD_MANAGEMENT = frozenset(ChargingQuirks.model_fields)
"""The flags that nothing reads before there is load management."""

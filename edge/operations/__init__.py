"""One file per OCPP operation: `from_charge_point` (OCPP 1.6 ed. 2 chapter 4), `to_charge_point` (chapter 5)."""

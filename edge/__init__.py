"""The on-site process: the OCPP 1.6 central system of one building."""

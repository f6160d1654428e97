"""A cloud whose remote starts must be under way within seconds, so that outages of a test outlast them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from cloud.cli import main
from contract.operations import BY_ACTION

REMOTE_START_LIVES_S = 8.0

if __name__ == "__main__":
    operation = BY_ACTION["RemoteStartTransaction"]
    BY_ACTION[operation.action] = replace(operation, time_to_live=timedelta(seconds=REMOTE_START_LIVES_S))
    main()

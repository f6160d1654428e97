"""What is too large for an exchange over a broker is refused before anything reads it."""

from __future__ import annotations

import asyncio
import json

import pytest

from cloud.mqtt.exchanges import MOST_BYTES, MOST_BYTES_OF_MANY, Request, answer
from contract.model import Record
from contract.mqtt import Exchange


class Done(Record):
    """An answer."""


@pytest.mark.parametrize(
    ("exchange", "most"),
    [
        (Exchange.GREETING, MOST_BYTES),
        (Exchange.COMMANDS, MOST_BYTES),
        (Exchange.DIRECTORY, MOST_BYTES),
        (Exchange.EVENTS, MOST_BYTES_OF_MANY),
        (Exchange.LIVE, MOST_BYTES_OF_MANY),
    ],
)
def test_a_request_is_taken_up_to_its_limit_and_refused_above_it(exchange: Exchange, most: int) -> None:
    taken = list[int]()

    def handle(request: Request) -> Record:
        taken.append(len(request.body))
        return Done()

    given = [
        asyncio.run(answer({exchange: handle}, exchange, Request("tower", bytes(size)))) for size in (most, most + 1)
    ]
    assert [one.status for one in given] == [200, 413]
    assert json.loads(given[1].body)["hint"]
    assert taken == [most]

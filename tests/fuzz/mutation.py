"""Makes odd bytes out of good ones, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

ODD = (
    b"null", b"{}", b"[]", b'""', b"-1", b"1e999", b"99999999999999999999", b"true", b'"\\ud800"', b"\xff", b"\0",
    b'"' + b"x" * 300 + b'"', b"[" * 60, b",", b"\r\n", b"%2f", b"%zz", b": ", b"9007199254740993",
)  # fmt: skip


def mutated(seeds: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """Give so many mutations of the seeds."""
    chance = random.Random(seed)
    for _ in range(count):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.choice((0, 1, 1, 2, 3, 8))):
            _mutate(data, seeds, chance)
        yield bytes(data[:20_000])


def _mutate(data: bytearray, seeds: Sequence[bytes], chance: random.Random) -> None:
    begin = chance.randint(0, len(data))
    end = min(len(data), begin + chance.choice((0, 1, 1, 2, 4, 8, 32)))
    match chance.randrange(5):
        case 0:
            data[begin:end] = b""
        case 1:
            data[begin:end] = chance.choice(ODD)
        case 2:
            data[begin:end] = chance.randbytes(end - begin)
        case 3:
            data[begin:begin] = data[begin:end] * 3
        case _:
            other = chance.choice(seeds)
            data[begin:] = other[chance.randint(0, len(other)) :]

"""An authority is asked once a day for each provider's newest head, and no answer of it stops anything."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from fristwerk_platform.transparency.stamping import Stamping
from fristwerk_platform.transparency.trees import Trees
from fristwerk_proof.stamps import LONGEST_RESPONSE, is_granted, stamp_request
from tests.authority import serving

Append = Callable[..., Awaitable[int]]
REPLY = "application/timestamp-reply"


def granted(query: bytes) -> tuple[int, str, bytes]:
    """An answer that looks like one: a granted status, and the request's digest."""
    content = b"\x30\x03\x02\x01\x00" + query
    return 200, REPLY, b"\x30\x81" + bytes([len(content)]) + content


async def test_each_head_is_stamped_once_a_day(trees: Trees, append: Append, now: datetime) -> None:
    await append("ticket-1", 1)
    await trees.keeper.step()
    asked: list[bytes] = []

    def answer(query: bytes) -> tuple[int, str, bytes]:
        asked.append(query)
        return granted(query)

    with serving(answer) as address:
        today = Stamping(trees.database, address, lambda: now)
        tomorrow = Stamping(trees.database, address, lambda: now + timedelta(days=1))
        assert await today.stamp_all() == 1
        (head,) = await trees.reads.heads("hamburg", 0, 10)
        assert await tomorrow.stamp_all() == 0  # the same head has its stamp
        await append("ticket-2", 1)
        await trees.keeper.step()
        assert await today.stamp_all() == 0  # one was stamped today
        assert await tomorrow.stamp_all() == 1

    assert len(asked) == 2
    found = await trees.reads.heads("hamburg", 0, 10)
    stamps = await trees.reads.stamps("hamburg", found)
    assert sorted(stamps) == [each.size for each in found]
    assert is_granted(stamps[head.size], head.note)
    assert not is_granted(stamps[head.size], found[1].note)


@pytest.mark.parametrize(
    "answer",
    [
        (500, REPLY, b""),
        (302, REPLY, b""),
        (200, "text/html", b"<html>"),
        (200, REPLY, b""),
        (200, REPLY, b"\x30\x05\x30\x03\x02\x01\x02"),  # rejected
        (200, REPLY, b"\x30\x05\x30\x03\x02\x01\x00"),  # granted, about nothing
        (200, REPLY, b"x" * (LONGEST_RESPONSE + 1)),
    ],
)
async def test_an_answer_that_is_no_stamp_is_not_kept(
    trees: Trees, append: Append, now: datetime, answer: tuple[int, str, bytes]
) -> None:
    await append("ticket-1", 1)
    await trees.keeper.step()

    with serving(lambda _: answer) as address:
        assert await Stamping(trees.database, address, lambda: now).stamp_all() == 0
    assert await Stamping(trees.database, address, lambda: now).stamp_all() == 0  # nobody is there now

    assert await trees.reads.stamps("hamburg", await trees.reads.heads("hamburg", 0, 10)) == {}


async def test_an_answer_that_drips_in_is_given_up(trees: Trees, append: Append, now: datetime) -> None:
    await append("ticket-1", 1)
    await trees.keeper.step()
    with serving(granted, pause=0.05) as address:
        began = time.monotonic()
        assert await Stamping(trees.database, address, lambda: now, patience_seconds=0.3).stamp_all() == 0
        assert time.monotonic() - began < 2
    with serving(granted) as address:
        assert await Stamping(trees.database, address, lambda: now, patience_seconds=0.3).stamp_all() == 1


def test_a_request_is_what_openssl_reads(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    (tmp_path / "query").write_bytes(stamp_request(b"a note", 2**63 - 1))

    read = subprocess.run(  # noqa: S603
        [openssl, "ts", "-query", "-in", tmp_path / "query", "-text"], capture_output=True, check=True
    ).stdout.decode()

    assert "Hash Algorithm: sha256" in read
    assert "Nonce: 0x7FFFFFFFFFFFFFFF" in read
    assert "Certificate required: yes" in read

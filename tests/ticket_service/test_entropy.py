"""Random bytes taken by the block are given once, whatever their number, and never twice in two processes."""

import os

from ticket_service.entropy import BLOCK_BYTES, Randomness


def test_no_bytes_are_given_twice() -> None:
    randomness = Randomness()
    sizes = [10, 12, BLOCK_BYTES, 1, BLOCK_BYTES - 1, 4_000, 12] + [12] * 2_000
    given = [randomness(size) for size in sizes]
    assert [len(each) for each in given] == sizes
    pieces = {each for each in given if len(each) >= 10}
    assert len(pieces) == len([each for each in given if len(each) >= 10])
    assert max(b"".join(given).count(each) for each in given[-100:]) == 1


def test_a_forked_process_gives_others() -> None:
    randomness = Randomness()
    randomness(12)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, randomness(12))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 12) != randomness(12)
    os.close(reader)
    os.close(writer)

"""The keys of an issuer come over HTTP: they follow its rotation, outlive its outages, and bound what it answers."""

from __future__ import annotations

import gzip
import http.server
import threading
import time
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from fristwerk_platform.issuer_keys import MOST_BYTES, IssuerKeys
from tests.key_sets import key_set


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def another() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


class Provider(http.server.BaseHTTPRequestHandler):
    """Answers with the keys that stand in the class, or fails."""

    keys: str | None = None
    asked = 0
    pause: float = 0
    """Seconds before each byte."""
    is_packed = False

    def do_GET(self) -> None:
        type(self).asked += 1
        self.send_response(200 if self.keys else 500)
        content = (self.keys or "").encode()
        if self.is_packed:
            self.send_header("Content-Encoding", "gzip")
            content = gzip.compress(content)
        self.end_headers()
        for at in range(len(content)) if self.pause else []:
            if not self.pause:
                return
            time.sleep(self.pause)
            try:
                self.wfile.write(content[at : at + 1])
            except OSError:
                return
        if not self.pause:
            self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def provider() -> Iterator[tuple[str, type[Provider]]]:
    class Own(Provider):
        pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Own)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/certs", Own
    server.shutdown()
    thread.join()
    server.server_close()


def eventually_named(keys: IssuerKeys, name: str) -> bool:
    end = time.monotonic() + 10
    while keys.named(name) is None:
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_keys_come_over_http_follow_a_rotation_and_outlive_an_outage(
    provider: tuple[str, type[Provider]], key: RSAPrivateKey, another: RSAPrivateKey
) -> None:
    url, served = provider
    served.keys = key_set(k1=key)
    keys = IssuerKeys(url, None, at_most_every=0.05)
    assert keys.named("k1") is not None
    served.keys = key_set(k1=key, k2=another)

    assert eventually_named(keys, "k2")
    served.keys = None
    asked = served.asked
    keys.named("k3")
    end = time.monotonic() + 10
    while served.asked == asked and time.monotonic() < end:
        time.sleep(0.02)
    assert served.asked > asked
    assert keys.named("k2") is not None


@pytest.mark.parametrize("broken", ["[", '{"keys": 1}', '{"keys": [1]}', "a name that is a list"])
def test_whatever_an_issuer_answers_it_is_asked_again(
    broken: str, provider: tuple[str, type[Provider]], key: RSAPrivateKey
) -> None:
    url, served = provider
    good = key_set(k1=key)
    served.keys = good.replace('"k1"', '["k1"]') if broken.startswith("a name") else broken
    keys = IssuerKeys(url, None, at_most_every=0.05)
    assert keys.named("k1") is None
    served.keys = good

    assert eventually_named(keys, "k1")


def test_of_an_answer_without_end_little_is_kept(provider: tuple[str, type[Provider]], key: RSAPrivateKey) -> None:
    url, served = provider
    served.keys = key_set(k1=key) + " " * 2 * MOST_BYTES

    assert IssuerKeys(url, None).named("k1") is None


def test_an_answer_that_drips_in_is_given_up_and_asked_for_again(
    provider: tuple[str, type[Provider]], key: RSAPrivateKey
) -> None:
    url, served = provider
    served.keys, served.pause = key_set(k1=key), 0.2
    keys = IssuerKeys(url, None, at_most_every=0.05, fetch_seconds=0.5)
    assert keys.named("k1") is None
    served.pause = 0

    assert eventually_named(keys, "k1")


def test_what_is_packed_is_not_unpacked(provider: tuple[str, type[Provider]], key: RSAPrivateKey) -> None:
    url, served = provider
    served.keys, served.is_packed = key_set(k1=key), True

    assert IssuerKeys(url, None).named("k1") is None


def test_no_token_makes_us_ask_an_issuer_all_the_time(provider: tuple[str, type[Provider]], key: RSAPrivateKey) -> None:
    url, served = provider
    served.keys = key_set(k1=key)
    keys = IssuerKeys(url, None)

    for number in range(1_000):
        assert keys.named(f"guess-{number}") is None
    time.sleep(0.1)

    assert served.asked == 1

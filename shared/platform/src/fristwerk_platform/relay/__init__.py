"""A feed published to NATS JetStream, for many readers on many machines. It is never the record.

JetStream may lose what it has acknowledged, so the relay looks at what the stream has whenever it
is in doubt, and publishes the rest again; readers notice what they miss, and read it in the feed.

messages      lines of a feed as messages: subjects, and CloudEvents in their headers
stream        the stream: what it has, and how it is added to
progress      what is told about it: how far it is, and what went wrong
relay         from the feed into the stream, one line after the other
"""

from fristwerk_platform.relay.progress import RelayProgress
from fristwerk_platform.relay.relay import Relay, relay_until_stopped
from fristwerk_platform.relay.stream import StreamOptions, UnusableStreamError, opened_stream

__all__ = ["Relay", "RelayProgress", "StreamOptions", "UnusableStreamError", "opened_stream", "relay_until_stopped"]

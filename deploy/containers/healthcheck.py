"""Whether the service in this container is ready: exit code 0 if ``/health/ready`` answers 200, else 1.

It asks the port in ``FRISTWERK_PORT``, which whoever runs the image sets for each service, or the ticket service's own.
"""

from __future__ import annotations

import http.client
import os
import sys
from typing import Final

SECONDS: Final = 4.0
"""Less than the image's ``HEALTHCHECK`` waits, so that the answer is ours."""


def status(port: int) -> int | None:
    """The status of ``/health/ready`` on this machine; None where nothing answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(status(int(os.environ.get("FRISTWERK_PORT", "8001"))) != http.client.OK)

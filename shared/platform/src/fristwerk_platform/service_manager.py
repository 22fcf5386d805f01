"""What the process tells the service manager that started it, as sd_notify(3) says: a datagram to
the socket that the environment names. Without one there is nobody to tell.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import Final

READY: Final = "READY=1"
STOPPING: Final = "STOPPING=1"


def tell_service_manager(state: str) -> None:
    """Send the state. A manager that cannot be reached waits for it in vain, which it reports itself."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # a name that is no file's
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(state.encode(), address)

"""Patience with servers: without network, a request for weights ends in seconds."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from urllib.request import getproxies

NETWORK_SECONDS = 10.0
"""Time to wait for an answer of a server with weights."""

HUB = "https://huggingface.co"


@contextmanager
def impatient() -> Iterator[None]:
    """Give up on servers that do not answer, within the context.

    By default a socket waits without end, and the hub's client tries again for most of a minute. A hub that
    cannot be reached counts as offline: its client then looks into its cache only.
    """
    from huggingface_hub import constants

    before = socket.getdefaulttimeout(), constants.HF_HUB_OFFLINE
    socket.setdefaulttimeout(NETWORK_SECONDS)
    constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE or not _answers(os.environ.get("HF_ENDPOINT", HUB))
    try:
        yield
    finally:
        socket.setdefaulttimeout(before[0])
        constants.HF_HUB_OFFLINE = before[1]


def _answers(url: str) -> bool:
    """Whether the server, or the proxy that leads to it, takes a connection."""
    scheme = urlsplit(url).scheme
    parts = urlsplit(getproxies().get(scheme, url))
    try:
        address = (parts.hostname or "", parts.port or {"http": 80}.get(parts.scheme, 443))
        socket.create_connection(address, NETWORK_SECONDS).close()
    except (OSError, ValueError):
        return False
    return True

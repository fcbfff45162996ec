"""A run with the packaged teacher needs no network, and nobody hears of it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from support.small_runs import REPOSITORY

GUARD = """
import socket

_connect, _look_up = socket.socket.connect, socket.getaddrinfo

def connect(self, address):
    if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1"):
        raise SystemExit(f"went out to the network: {address}")
    return _connect(self, address)

def look_up(host, *arguments, **more):
    if host not in (None, "", "127.0.0.1", "::1", "localhost", socket.gethostname()):
        raise SystemExit(f"asked for an address: {host}")
    return _look_up(host, *arguments, **more)

socket.socket.connect, socket.getaddrinfo = connect, look_up
"""


def test_no_command_goes_out_to_the_network(new_root: Callable[..., Path], tmp_path: Path) -> None:
    root, guard = new_root("offline"), tmp_path / "guard"
    guard.mkdir()
    (guard / "sitecustomize.py").write_text(GUARD)  # Python runs it before anything else
    environment = {**os.environ, "PYTHONPATH": f"{guard}:{REPOSITORY}", "OMP_NUM_THREADS": "1"}

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command], cwd=root, env=environment, capture_output=True, text=True
        )

    caught = run("-c", "import socket; socket.create_connection(('192.0.2.1', 80), 5)")
    assert "asked for an address: 192.0.2.1" in caught.stderr
    for command in ("precompute", "train", "eval", "report"):
        done = run("-m", "ezsd.stages.commands.main", command)
        assert done.returncode == 0, f"{command}: {done.stderr[-3000:]}"

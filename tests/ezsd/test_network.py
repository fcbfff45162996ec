"""Requests for weights end in seconds when no server answers."""

import socket

import pytest
from huggingface_hub import constants

from ezsd.network import impatient


def url_of(server: socket.socket) -> str:
    return f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_hub_that_cannot_be_reached_counts_as_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        monkeypatch.setenv("HF_ENDPOINT", url_of(closed))
    before = constants.HF_HUB_OFFLINE, socket.getdefaulttimeout()
    with impatient():
        assert constants.is_offline_mode() and socket.getdefaulttimeout() == 10.0
    assert (constants.HF_HUB_OFFLINE, socket.getdefaulttimeout()) == before


def test_a_hub_that_answers_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("HF_ENDPOINT", url_of(server))
        monkeypatch.delenv("http_proxy", raising=False)
        with impatient():
            assert not constants.is_offline_mode()


def test_behind_a_proxy_the_proxy_must_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.invalid")
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.setenv("https_proxy", url_of(proxy))
        with impatient():
            assert not constants.is_offline_mode()

"""A client whose messages are not taken, or that waits for a large one, loses nothing."""

import os
from collections import deque

import pytest

from s2i_client import client as client_module
from s2i_client import framing, messages, patience
from s2i_client.client import Client, ClientState
from s2i_client.connection_file import Connection
from s2i_client.jobs import JobState
from s2i_client.pixels import Picture


class Transport:
    """Takes as many messages as `room` says, and gives out what a test puts in."""

    def __init__(self, connection):
        self.connection = connection
        self.room = 100
        self.sent = []
        self.coming = deque()

    def send(self, frames):
        if not self.room:
            return False
        self.room -= 1
        self.sent.append(framing.decode([bytes(f) for f in frames], messages.FROM_HOST).message)
        return True

    def receive(self):
        return self.coming.popleft() if self.coming else None

    def say(self, message):
        self.coming.append(framing.encode(message))

    def close(self, *, linger):
        pass

    def said(self, kind):
        return [message.job for message in self.sent if isinstance(message, kind)]


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(client_module.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def client(monkeypatch, clock):
    monkeypatch.setattr(client_module, "Transport", Transport)
    return Client("test", connection=Connection("tcp://x", os.getpid(), 1, "s", "p", "k"))


@pytest.fixture
def transport(client):
    client.poll()
    line = client._transport
    line.say(
        messages.Ready(
            protocol=1, version="", pid=1, instance="i", devices=(), memory={}, pipelines=()
        )
    )
    client.poll()
    assert client.state is ClientState.ready
    return line


def sketch(side=2):
    return Picture(name="sketch", width=side, height=side, data=bytes(side * side * 4))


def test_a_job_that_a_full_queue_does_not_take_waits_and_is_sent_by_a_later_poll(client, transport):
    transport.room = 1
    jobs = [client.submit("echo", [sketch()]) for _ in range(3)]
    client.poll()
    assert [job.state for job in jobs] == [JobState.queued, JobState.waiting, JobState.waiting]
    transport.room = 100
    client.poll()
    assert all(job.state is JobState.queued for job in jobs)
    client.poll()
    assert transport.said(messages.Submit) == [job.id for job in jobs]


def test_a_cancel_that_a_full_queue_does_not_take_is_sent_by_a_later_poll(client, transport):
    job = client.submit("echo", [sketch()])
    transport.room = 0
    job.cancel()
    client.poll()
    assert transport.said(messages.Cancel) == []
    transport.room = 100
    client.poll()
    client.poll()
    assert transport.said(messages.Cancel) == [job.id]


def test_a_silent_daemon_is_given_the_time_of_the_message_it_announced(client, transport, clock):
    transport.say(messages.Coming(bytes=256 << 20))
    client.poll()
    clock[0] += patience.GONE_SECONDS + 10
    client.poll()
    assert client.state is ClientState.ready
    transport.say(messages.Ping())
    client.poll()
    clock[0] += patience.GONE_SECONDS + 0.1
    client.poll()
    assert client.state is ClientState.absent


def test_a_large_job_is_announced(client, transport):
    client.submit("echo", [sketch()])
    client.submit("echo", [sketch(2048)])
    kinds = [message.type for message in transport.sent if message.type != "ping"]
    assert kinds == ["hello", "submit", "coming", "submit"]

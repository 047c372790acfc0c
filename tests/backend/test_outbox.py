"""What is kept for hosts that are away, and who is away."""

from s2i_backend.hosts import Host, Hosts
from s2i_backend.outbox import Outbox
from s2i_client.patience import GONE_SECONDS, patience


def test_the_oldest_result_goes_first_when_bytes_run_out():
    outbox = Outbox(max_bytes=20_000, max_seconds=60)
    for number in range(4):
        outbox.put(("s", str(number)), "message", (bytes(2000),), now=number)
    assert [("s", str(n)) in outbox for n in range(4)] == [False, True, True, True]
    assert outbox.byte_count <= 20_000


def test_a_result_larger_than_all_may_be_is_kept_until_the_next():
    outbox = Outbox(max_bytes=20_000, max_seconds=60)
    outbox.put(("s", "large"), "message", (bytes(50_000),), now=0)
    assert [ended.message for ended in outbox.unsent("s")] == ["message"]
    outbox.put(("s", "small"), "message", (), now=1)
    assert ("s", "large") not in outbox
    assert ("s", "small") in outbox


def test_results_expire():
    outbox = Outbox(max_bytes=1 << 20, max_seconds=60)
    outbox.put(("s", "old"), "message", (), now=0)
    outbox.put(("s", "new"), "message", (), now=30)
    outbox.expire(now=61)
    assert ("s", "old") not in outbox
    assert ("s", "new") in outbox


def test_bytes_are_counted_through_replacing_and_dropping():
    outbox = Outbox(max_bytes=1 << 20, max_seconds=60)
    outbox.put(("s", "a"), "first", (bytes(10),), now=0)
    outbox.put(("s", "a"), "second", (bytes(20),), now=0)
    assert [ended.message for ended in outbox.unsent("s")] == ["second"]
    outbox.put(("t", "b"), "other", (), now=0)
    outbox.forget_session("s")
    outbox.drop(("t", "b"))
    outbox.drop(("t", "b"))
    assert (outbox.byte_count, len(outbox)) == (0, 0)


def host(session="s", identity=b"1", heard=0.0):
    return Host(session, identity, "krita", "1", "local", True, heard)


def test_a_host_that_is_silent_is_away_and_then_forgotten():
    hosts = Hosts(forget_seconds=100)
    hosts.greet(host())
    assert hosts.tick(GONE_SECONDS - 0.1) == []
    assert len(hosts.present) == 1
    assert hosts.tick(GONE_SECONDS + 0.1) == []
    assert hosts.present == []
    assert [gone.session for gone in hosts.tick(101)] == ["s"]
    assert hosts.at(b"1") is None


def test_a_host_that_sends_a_large_message_is_there_while_it_may_come():
    hosts = Hosts(forget_seconds=1000)
    sender = host()
    sender.coming_bytes = 256 << 20
    hosts.greet(sender)
    hosts.tick(GONE_SECONDS + 10)
    assert sender.present
    hosts.tick(patience(256 << 20) + 0.1)
    assert not sender.present


def test_a_session_that_comes_back_on_a_new_connection_has_only_that_one():
    hosts = Hosts(forget_seconds=100)
    hosts.greet(host(identity=b"1"))
    hosts.greet(host(identity=b"2"))
    assert hosts.at(b"1") is None
    found = hosts.of("s")
    assert found is not None
    assert found is hosts.at(b"2")
    assert len(hosts) == 1

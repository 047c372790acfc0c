"""Which job is next: each ends once, the newest live one wins, everybody has a turn."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from s2i_backend.scheduler import MAX_ATTEMPTS, Ending, Entry, Refused, Scheduler


def entry(session="s", job="j", lane="batch", document=None, group=None, size=1):
    return Entry((session, job), lane, document, group, size)


def served(scheduler, worker="w"):
    """The jobs' names in the order in which one worker would run them."""
    order = []
    while chosen := scheduler.next_for(worker):
        for one in chosen:
            order.append(one.key[1])
            scheduler.end(one.key)
    return order


def test_batch_is_first_in_first_out_for_one_host():
    scheduler = Scheduler()
    for job in "abcd":
        scheduler.submit(entry(job=job))
    assert [scheduler.place(("s", job)) for job in "abcd"] == [0, 1, 2, 3]
    assert served(scheduler) == list("abcd")


def test_a_host_with_many_jobs_does_not_starve_another():
    scheduler = Scheduler()
    for number in range(5):
        scheduler.submit(entry("greedy", f"g{number}"))
    first = scheduler.next_for("w")
    scheduler.end(first[0].key)
    scheduler.submit(entry("modest", "m0"))
    scheduler.submit(entry("modest", "m1"))
    assert served(scheduler)[:4] == ["m0", "g1", "m1", "g2"]


def test_documents_take_turns_in_the_live_lane():
    scheduler = Scheduler()
    scheduler.submit(entry(job="a1", lane="live", document="a"))
    scheduler.submit(entry(job="b1", lane="live", document="b"))
    first = scheduler.next_for("w")[0]
    scheduler.end(first.key)
    scheduler.submit(entry(job="a2", lane="live", document="a"))
    assert [first.key[1], *served(scheduler)] == ["a1", "b1", "a2"]


def test_live_is_ahead_of_batch():
    scheduler = Scheduler()
    scheduler.submit(entry(job="batch"))
    scheduler.submit(entry(job="live", lane="live", document="d"))
    assert served(scheduler) == ["live", "batch"]


def test_the_newest_live_job_of_a_document_wins():
    scheduler = Scheduler()
    scheduler.submit(entry(job="running", lane="live", document="d"))
    running = scheduler.next_for("w")[0]
    scheduler.submit(entry(job="queued", lane="live", document="d"))
    accepted = scheduler.submit(entry(job="newest", lane="live", document="d"))
    assert [e.key[1] for e in accepted.superseded] == ["queued"]
    assert running.ending is Ending.superseded
    assert [e.key[1] for e in scheduler.queued] == ["newest"]


def test_live_jobs_without_a_document_replace_nothing():
    scheduler = Scheduler()
    scheduler.submit(entry(job="a", lane="live"))
    assert not scheduler.submit(entry(job="b", lane="live")).superseded


def test_the_queue_is_bounded_in_jobs_and_bytes():
    scheduler = Scheduler(max_jobs=2, max_bytes=100)
    scheduler.submit(entry(job="a", size=40))
    with pytest.raises(Refused, match="fill") as caught:
        scheduler.submit(entry(job="big", size=61))
    assert caught.value.code == "busy"
    with pytest.raises(Refused) as caught:
        scheduler.submit(entry(job="huge", size=101))
    assert caught.value.code == "too_large"
    scheduler.submit(entry(job="b", size=60))
    with pytest.raises(Refused, match="waiting already") as caught:
        scheduler.submit(entry(job="c", size=0))
    assert caught.value.code == "busy"
    assert served(scheduler) == ["a", "b"]
    assert scheduler.byte_count == 0


def test_a_live_job_fits_into_the_place_of_the_one_it_replaces():
    scheduler = Scheduler(max_jobs=1, max_bytes=10)
    scheduler.submit(entry(job="old", lane="live", document="d", size=10))
    assert scheduler.submit(entry(job="new", lane="live", document="d", size=10)).superseded


def test_a_refused_live_job_leaves_the_older_one_alone():
    scheduler = Scheduler(max_bytes=10)
    scheduler.submit(entry(job="old", lane="live", document="d", size=5))
    with pytest.raises(Refused):
        scheduler.submit(entry(job="new", lane="live", document="d", size=11))
    assert served(scheduler) == ["old"]


def test_a_name_can_not_be_used_twice_at_a_time():
    scheduler = Scheduler()
    scheduler.submit(entry())
    with pytest.raises(Refused) as caught:
        scheduler.submit(entry())
    assert caught.value.code == "duplicate_job"


def test_jobs_alike_go_together_up_to_the_limit_and_only_those():
    scheduler = Scheduler(group_limit=lambda group: 4 if group == "x" else 1)
    for number, group in enumerate(["x", "y", "x", "x", "x", "x", None, None]):
        scheduler.submit(entry(job=str(number), group=group))
    assert [e.key[1] for e in scheduler.next_for("w")] == ["0", "2", "3", "4"]
    assert [e.key[1] for e in scheduler.next_for("w")] == ["1"]
    assert [e.key[1] for e in scheduler.next_for("w")] == ["5"]
    assert [e.key[1] for e in scheduler.next_for("w")] == ["6"]


def test_a_job_whose_worker_died_is_tried_once_more_ahead_of_all_alone_and_frugal():
    scheduler = Scheduler(group_limit=lambda group: 4)
    scheduler.submit(entry(job="a", group="x"))
    scheduler.next_for("w1")
    scheduler.submit(entry(job="b", group="x"))
    scheduler.submit(entry(job="live", lane="live", document="d"))
    (lost,) = scheduler.lost("w1")
    assert scheduler.retry(lost.key, frugal=True)
    (again,) = scheduler.next_for("w2")
    assert (again.key[1], again.frugal) == ("a", True)
    assert not scheduler.retry(again.key, frugal=True)


def test_a_job_that_nobody_wants_any_more_is_not_tried_again():
    scheduler = Scheduler()
    scheduler.submit(entry())
    scheduler.next_for("w")
    scheduler.cancel(("s", "j"))
    assert not scheduler.retry(("s", "j"), frugal=True)


class AnyUse(RuleBasedStateMachine):
    """Whatever hosts and workers do, in whatever order."""

    def __init__(self):
        super().__init__()
        self.scheduler = Scheduler(max_jobs=6, max_bytes=50, group_limit=lambda group: 3)
        self.number = 0
        self.open = {}
        self.ended = []
        self.given = {}

    def end(self, key):
        assert key in self.open
        del self.open[key]
        self.ended.append(key)

    @rule(
        session=st.sampled_from("AB"),
        lane=st.sampled_from(["live", "batch"]),
        document=st.sampled_from([None, "x", "y"]),
        group=st.sampled_from([None, "g", "h"]),
        size=st.integers(0, 20),
    )
    def submit(self, session, lane, document, group, size):
        self.number += 1
        new = Entry((session, str(self.number)), lane, document, group, size)
        try:
            accepted = self.scheduler.submit(new)
        except Refused as refused:
            assert refused.code == "busy"
            return
        self.open[new.key] = new
        for old in accepted.superseded:
            self.end(old.key)
        for old in accepted.stop:
            assert old.ending is Ending.superseded

    @rule(worker=st.sampled_from("123"))
    def give_out(self, worker):
        if self.scheduler.lost(worker):
            return
        chosen = self.scheduler.next_for(worker)
        assert bool(chosen) == bool(chosen or self.scheduler.queued)
        for one in chosen:
            self.given[one.key] = self.given.get(one.key, 0) + 1
            assert self.given[one.key] <= MAX_ATTEMPTS

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def cancel(self, data):
        key = data.draw(st.sampled_from(sorted(self.open)))
        was_running = bool(self.open[key].worker)
        assert self.scheduler.cancel(key) is not None
        if not was_running:
            self.end(key)

    @precondition(lambda self: self.scheduler.running)
    @rule(data=st.data())
    def finish(self, data):
        one = data.draw(st.sampled_from(self.scheduler.running))
        assert self.scheduler.end(one.key) is one
        self.end(one.key)
        assert self.scheduler.end(one.key) is None
        assert self.scheduler.cancel(one.key) is None

    @rule(worker=st.sampled_from("123"))
    def die(self, worker):
        for one in self.scheduler.lost(worker):
            if not self.scheduler.retry(one.key, frugal=True):
                assert one.attempts == MAX_ATTEMPTS or one.ending
                self.scheduler.end(one.key)
                self.end(one.key)

    @invariant()
    def what_is_open_is_queued_or_running_once(self):
        names = [e.key for e in self.scheduler.queued + self.scheduler.running]
        assert sorted(names) == sorted(self.open)
        assert len(self.ended) == len(set(self.ended))

    @invariant()
    def bytes_are_counted(self):
        assert self.scheduler.byte_count == sum(e.byte_count for e in self.open.values()) <= 50

    @invariant()
    def one_live_job_waits_for_a_document(self):
        waiting = [
            (e.key[0], e.document)
            for e in self.scheduler.queued
            if e.lane == "live" and e.document and e.ending is None
        ]
        assert len(waiting) == len(set(waiting))

    def teardown(self):
        while chosen := self.scheduler.next_for("last"):
            for one in chosen:
                self.scheduler.end(one.key)
                self.end(one.key)
        for one in self.scheduler.running:
            self.scheduler.end(one.key)
            self.end(one.key)
        assert not self.open
        assert self.scheduler.byte_count == 0


AnyUse.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyUse = AnyUse.TestCase

"""Jobs through a real daemon and a real worker: each gets exactly one right end."""

import time

import pytest
from daemon_process import PATIENCE, Daemon, sketch

from s2i_client.client import Client, ClientState, EventKind
from s2i_client.errors import JobCancelled, JobFailed, JobSuperseded
from s2i_client.jobs import JobState
from s2i_client.pixels import Picture


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    with Daemon(tmp_path_factory.mktemp("daemon"), max_jobs=4) as running:
        yield running


@pytest.fixture
def client(daemon):
    with daemon.client() as connected:
        yield connected


def start_long_job(client, **options):
    job = client.submit("echo", [sketch()], {"seconds": 600}, **options)
    assert client.wait_until(lambda: job.fraction > 0, PATIENCE)
    assert job.state is JobState.running
    return job


def test_a_picture_comes_back_as_it_went_with_its_place_and_kind(client):
    result = client.submit("echo", [sketch(origin=(-7, 30))]).wait(PATIENCE)
    layer = result["image"]
    assert layer.data == sketch().data
    assert layer.origin == (-7, 30)
    assert (layer.kind, layer.blend) == ("image", "normal")
    assert result.timing.keys() == {"run", "queued"}


@pytest.mark.parametrize("order", ["rgba", "bgra"])
@pytest.mark.parametrize(("depth", "size"), [("u8", 1), ("u16", 2), ("f16", 2), ("f32", 4)])
def test_every_depth_and_order_comes_back_in_its_own(client, depth, size, order):
    # 0x3a bytes are sensible numbers between 0 and 1 in every depth.
    data = bytes([0x3A, 0x39, 0x38, 0x37] * (5 * 3 * size))
    picture = Picture(name="sketch", width=5, height=3, depth=depth, order=order, data=data)
    layer = client.submit("echo", [picture]).wait(PATIENCE)["image"]
    assert (layer.depth, layer.order, layer.data) == (depth, order, data)


def test_a_large_picture_in_pieces_comes_back_whole(client):
    data = b"".join(bytes([row % 256]) * (1500 * 4) for row in range(1000))
    picture = Picture(name="sketch", width=1500, height=1000, data=data)
    assert client.submit("echo", [picture]).wait(PATIENCE)["image"].data == data


def test_the_daemon_says_what_it_offers(client):
    assert {"echo", "auto_painter", "flats"} <= {d.name for d in client.pipelines}
    assert client.ready.devices[0]["device"] == "cpu"
    assert client.ready.memory["frames"] > 0


def test_progress_is_reported(client):
    seen = []
    job = client.submit("echo", [sketch()], {"seconds": 0.5})
    job.wait(PATIENCE, on_progress=lambda j: seen.append((j.state, j.fraction, j.step)))
    fractions = [fraction for _, fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert (JobState.running, "waiting") in {(state, step) for state, _, step in seen}


def test_a_running_job_is_cancelled_and_the_next_one_works(client):
    job = start_long_job(client)
    job.cancel()
    with pytest.raises(JobCancelled):
        job.wait(PATIENCE)
    assert client.submit("echo", [sketch()]).wait(PATIENCE)["image"].data == sketch().data


def test_a_queued_job_is_cancelled_while_another_runs(client):
    running = start_long_job(client)
    queued = client.submit("echo", [sketch()])
    queued.cancel()
    with pytest.raises(JobCancelled):
        queued.wait(PATIENCE)
    assert not running.ended
    running.cancel()


def test_a_live_job_replaces_older_ones_of_its_document_queued_or_running(client):
    running = start_long_job(client, lane="live", document="a")
    queued = client.submit("echo", [sketch()], lane="live", document="a")
    newest = client.submit("echo", [sketch()], lane="live", document="a")
    for old in (running, queued):
        with pytest.raises(JobSuperseded):
            old.wait(PATIENCE)
    assert newest.wait(PATIENCE)


def test_a_live_job_of_another_document_or_host_replaces_nothing(client, daemon):
    first = client.submit("echo", [sketch()], {"seconds": 0.2}, lane="live", document="a")
    other = client.submit("echo", [sketch()], lane="live", document="b")
    with daemon.client("another") as another:
        third = another.submit("echo", [sketch()], lane="live", document="a")
        assert third.wait(PATIENCE)
    assert first.wait(PATIENCE)
    assert other.wait(PATIENCE)


def test_beyond_the_queue_a_job_is_refused_at_once_as_busy(client):
    running = start_long_job(client)
    waiting = [client.submit("echo", [sketch()]) for _ in range(4)]
    with pytest.raises(JobFailed) as caught:
        client.submit("echo", [sketch()]).wait(PATIENCE)
    assert caught.value.code == "busy"
    assert caught.value.fix
    running.cancel()
    for job in waiting:
        assert job.wait(PATIENCE)


@pytest.mark.parametrize(
    ("pictures", "parameters", "outputs", "field", "allowed"),
    [
        ([sketch()], {"seconds": -1}, None, "seconds", "from 0 to 600"),
        ([sketch()], {"seconds": "long"}, None, "seconds", "from 0 to 600"),
        ([sketch()], {"speed": 1}, None, "speed", "seconds"),
        ([], {}, None, "sketch", "required"),
        ([sketch()], {}, ["flats"], "outputs", "image"),
    ],
)
def test_a_wrong_request_names_field_given_and_allowed(
    client, pictures, parameters, outputs, field, allowed
):
    with pytest.raises(JobFailed) as caught:
        client.submit("echo", pictures, parameters, outputs=outputs).wait(PATIENCE)
    assert caught.value.code == "invalid_request"
    assert caught.value.details["field"] == field
    assert caught.value.details["given"]
    assert allowed in caught.value.details["allowed"]


def test_an_unknown_pipeline_is_refused_with_those_there_are(client):
    with pytest.raises(JobFailed, match="auto_painter") as caught:
        client.submit("nonsense", [sketch()]).wait(PATIENCE)
    assert caught.value.code == "unknown_pipeline"


def test_status_shows_workers_queue_hosts_and_timing(client):
    client.submit("echo", [sketch()]).wait(PATIENCE)
    status = client.status()
    assert status.workers[0]["state"] in ("idle", "busy")
    assert "test" in [host["name"] for host in status.hosts]
    assert status.timing["echo"]["count"] >= 1
    assert status.memory["daemon"] > 0


def test_the_broker_imports_neither_torch_nor_numpy(daemon):
    maps = (f"/proc/{daemon.process.pid}/maps",)
    try:
        with open(maps[0]) as file:  # noqa: PTH123 - a file of /proc
            loaded = file.read()
    except FileNotFoundError:
        pytest.skip("only Linux shows what a process has loaded")
    assert "zmq" in loaded
    assert "numpy" not in loaded
    assert "libtorch" not in loaded


def test_a_host_that_only_polls_gets_events_and_its_result(daemon):
    client = Client("polling", folder=daemon.run_folder)
    job = client.submit("echo", [sketch()])
    assert job.state is JobState.waiting
    kinds = []
    end = time.monotonic() + PATIENCE
    while not job.ended and time.monotonic() < end:
        begin = time.monotonic()
        kinds += [event.kind for event in client.poll()]
        assert time.monotonic() - begin < PATIENCE / 4
        time.sleep(0.01)
    assert job.outcome()["image"].data == sketch().data
    assert kinds[0] is EventKind.connected
    assert kinds[-1] is EventKind.job_ended
    client.close()


def test_without_a_daemon_polling_and_cancelling_still_work(tmp_path):
    client = Client("early", folder=tmp_path)
    job = client.submit("echo", [sketch()])
    assert client.poll() == []
    assert client.state is ClientState.absent
    job.cancel()
    assert job.state is JobState.cancelled
    client.close()

"""What a worker keeps of the jobs it was given."""

import gc
import weakref

import zmq

from s2i_backend import link
from s2i_backend.worker import Post
from s2i_client import framing, messages
from s2i_client.pixels import PictureInfo


def run_note(key):
    info = PictureInfo(name="sketch", width=2, height=2)
    submit = messages.Submit(job=key[1], pipeline="echo", pictures=(info,))
    frames = [bytes(frame) for frame in framing.encode(submit, [bytes(16)])]
    job = {
        "key": list(key), "parameters": {}, "outputs": [], "frugal": False, "frames": len(frames),
    }  # fmt: skip
    return [zmq.Frame(frame) for frame in (link.note("run", jobs=[job]), *frames)]


def test_an_idle_worker_keeps_no_pictures_and_hears_cancels_until_then():
    with zmq.Context() as context:
        post = Post(context, "ipc://unused", "w")
        post._take(run_note(("s", "j")))
        (task,) = post.tasks.get()
        post._take([zmq.Frame(link.note("cancel", key=["s", "j"]))])
        assert task.cancelled.is_set()
        kept = weakref.ref(task)
        del task
        assert kept() is not None
        post.forget()
        gc.collect()
        assert kept() is None
        post._inner.close()

"""The jobs: each does its work with one component, and says what came of it."""

import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path

import cv2
import numpy as np
import redis
from celery import Celery, Task
from celery.signals import worker_ready, worker_shutting_down

import downloads
import settings
import shapes

HERE = Path(__file__).parent
READY = Path("/tmp/ready")
#: How often a job may end the process that does it.
MOST_STARTS = 3
KEPT_SECONDS = 600

store = redis.Redis.from_url(settings.QUEUE_URL, socket_timeout=10)


class Poisoned(Exception):
    """A job that took its process with it each time it was tried."""


class Job(Task):
    """A job that is given up when it ends its process again and again."""

    abstract = True

    def __call__(self, *arguments, **named):
        key = f"starts:{self.request.id}:{self.request.retries}"
        starts = store.incr(key)
        store.expire(key, KEPT_SECONDS)
        if starts > MOST_STARTS:
            raise Poisoned(f"given up: it ended its process {MOST_STARTS} times")
        return super().__call__(*arguments, **named)


application = Celery("jobs", task_cls=Job)
application.config_from_object(settings)


def output(*command, given=None):
    """What a program writes; raises with the end of its errors when it fails."""
    done = subprocess.run(command, input=given, capture_output=True, timeout=12)
    if done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace")
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {said[-300:]}")
    return done.stdout


@application.task(
    bind=True,
    autoretry_for=(downloads.Failed,),
    max_retries=8,
    default_retry_delay=1,
)
def fetch(self, url):
    """Download with libcurl; tried again while the other side is away."""
    return {**downloads.fetch(url), "retries": self.request.retries}


@application.task
def count(name, words):
    """Count words with redis-py: all in one step, or none."""
    with store.pipeline(transaction=True) as together:
        for word in words:
            together.hincrby(f"count:{name}", word, 1)
        together.hgetall(f"count:{name}")
        counted = together.execute()[-1]
    return {key.decode(): int(value) for key, value in counted.items()}


@application.task
def transcode(seconds):
    """Have ffmpeg make a clip and turn it into H.264, and OpenCV look at every picture of it."""
    with tempfile.TemporaryDirectory() as folder:
        raw, clip = f"{folder}/raw.avi", f"{folder}/clip.mp4"
        source = f"testsrc=size=160x120:rate=10:duration={float(seconds)}"
        quiet = ("ffmpeg", "-nostdin", "-v", "error", "-threads", "1")
        output(*quiet, "-f", "lavfi", "-i", source, "-c:v", "mpeg4", raw)
        output(*quiet, "-i", raw, "-c:v", "libx264", "-preset", "veryfast", clip)
        probe = ("ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", clip)
        described = json.loads(output(*probe))
        pictures, moved = shapes.watch(clip)
        return {
            "codec": described["streams"][0]["codec_name"],
            "format": described["format"]["format_name"],
            "seconds": float(described["format"]["duration"]),
            "pictures": pictures,
            "moved": moved,
        }


@application.task
def find_shapes(picture):
    """Find the shapes in a picture, which is text in one of the PNM formats."""
    read = cv2.imdecode(np.frombuffer(picture.encode("ascii"), np.uint8), cv2.IMREAD_GRAYSCALE)
    if read is None:
        raise ValueError("this is no picture")
    return shapes.find(read)


@application.task
def summarise(numbers):
    """Have Node.js summarise numbers."""
    given = json.dumps(numbers).encode()
    return json.loads(output("node", str(HERE / "summarise.js"), given=given))


@application.task
def render(url):
    """Have PhantomJS render a page to PNG, and OpenCV find what is in it."""
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/page.png"
        said = output("phantomjs", str(HERE / "render.js"), url, file)
        page = json.loads(said.splitlines()[-1])
        picture = cv2.imread(file, cv2.IMREAD_GRAYSCALE)
        height, width = picture.shape
        return {**page, "width": width, "height": height, "shapes": shapes.find(picture)}


@application.task
def crash():
    """End the process at once, as a fault in a native library would."""
    os.kill(os.getpid(), signal.SIGKILL)


@application.task(time_limit=4)
def hang():
    """Never end."""
    while True:
        signal.pause()


def hand_out_again(consumer):
    """Give back what vanished workers had; by itself it would be looked for every 100 seconds."""
    if consumer.task_consumer is not None:
        consumer.task_consumer.channel.qos.restore_visible(interval=1)


@worker_ready.connect
def begin(sender, **_):
    if sender.hub is not None:
        sender.timer.call_repeatedly(5.0, hand_out_again, (sender,))
    READY.touch()


@worker_shutting_down.connect
def tell_ending(**_):
    READY.unlink(missing_ok=True)

"""What operations do to the workers and what they need: kill, stop, freeze, cut off."""

import json

import pytest

pytestmark = pytest.mark.timeout(200)


@pytest.fixture
def job(container):
    """Hand in a job; gives what became of it within the seconds given."""

    def hand_in(name, *arguments, seconds=40):
        text = json.dumps(arguments)
        done = container.exec(f"timeout 60 job jobs.{name} '{text}' {seconds}")
        assert done.rc == 0, done.stderr[-500:]
        return json.loads(done.stdout)

    return hand_in


@pytest.fixture
def outcome(container):
    """What has become of a job by now."""

    def of(handed_in):
        done = container.exec(f"timeout 30 job {handed_in['id']}")
        assert done.rc == 0, done.stderr[-500:]
        return json.loads(done.stdout)

    return of


@pytest.fixture
def redis(container):
    """The lines that the queue answers to one command."""

    def ask(command):
        done = container.companion("queue").exec(f"timeout 5 redis-cli -e {command}")
        assert done.rc == 0, done.stdout
        return done.stdout.split()

    return ask


def done_at_last(outcome, handed_in, eventually, seconds=60):
    """The outcome of a job as soon as it has one."""
    ends = ("SUCCESS", "FAILURE")

    def look():
        found = outcome(handed_in)
        return found if found["state"] in ends else None

    return eventually(look, seconds=seconds) or outcome(handed_in)


def test_a_result_is_kept_in_the_queue(job, redis):
    """The result of a job is in the queue's Redis, for a limited time"""
    done = job("count", "probe-kept", ["x"])
    assert done["state"] == "SUCCESS", done
    kept = redis(f"get celery-task-meta-{done['id']}")
    assert '"SUCCESS"' in " ".join(kept)
    assert 0 < int(redis(f"ttl celery-task-meta-{done['id']}")[0]) <= 600
    assert int(redis("hget count:probe-kept x")[0]) >= 1


def test_every_job_is_in_the_log(container, job, eventually):
    """Each job is told in the log that the engine keeps, from start to end"""
    done = job("summarise", [1, 2])
    said = (f"jobs.summarise[{done['id']}] received", f"jobs.summarise[{done['id']}] succeeded")
    assert eventually(lambda: all(line in container.logs() for line in said))


def test_a_job_is_tried_again_until_it_succeeds(container, job, outcome, eventually):
    """A download fails while the other side is away, and succeeds when it is back"""
    pages = container.companion("pages")
    pages.stop(1)
    try:
        waiting = job("fetch", "http://pages:8080/shapes.html", seconds=0)
        tried = eventually(lambda: "Retry in 1s" in container.logs(), seconds=30)
    finally:
        pages.start()
        pages.wait_until_ready(30)
    assert tried, "it was not tried again"
    done = done_at_last(outcome, waiting, eventually)
    assert done["state"] == "SUCCESS", done
    assert done["result"]["retries"] >= 1


def test_a_job_that_never_succeeds_is_given_up(job):
    """A download that fails every time is given up after eight more tries, with the reason"""
    done = job("fetch", "http://pages:8080/broken", seconds=50)
    assert done["state"] == "FAILURE", done
    assert "status 503" in done["result"]


def test_a_process_that_dies_is_replaced(container, job, eventually):
    """A process that is killed is replaced, and jobs are done again"""
    children = "cat /proc/1/task/1/children"
    before = set(container.exec(children).stdout.split())
    assert before, "there are none"
    container.exec(f"kill -9 {' '.join(before)}")

    def replaced():
        now = set(container.exec(children).stdout.split())
        return len(now) == len(before) and not now & before

    assert eventually(replaced, seconds=30)
    assert job("summarise", [1])["state"] == "SUCCESS"


def test_it_finishes_its_job_before_it_stops(container, job, outcome, eventually):
    """Told to stop, it finishes the job it has, leaves the others, and goes on with them later"""
    before = [job("transcode", 20, seconds=0) for _ in range(3)]
    assert eventually(lambda: outcome(before[0])["state"] != "PENDING", seconds=30)
    container.stop()
    status = container.state.exit_code
    container.start()
    container.wait_until_ready(90)
    assert status == 0, "it had to be killed, or it failed"
    ends = [done_at_last(outcome, one, eventually)["state"] for one in before]
    assert ends == ["SUCCESS"] * 3


def test_a_job_survives_a_kill_of_its_worker(container, job, outcome, redis, eventually):
    """A job that was begun when the worker was killed is done by the next one"""
    begun = job("transcode", 80, seconds=0)
    # Straight from the queue: the client takes longer to ask than a short job takes.
    state = f"get celery-task-meta-{begun['id']}"
    started = eventually(lambda: '"STARTED"' in " ".join(redis(state)), seconds=20)
    container.kill()
    container.start()
    container.wait_until_ready(90)
    assert started, outcome(begun)
    done = done_at_last(outcome, begun, eventually, seconds=60)
    assert done["state"] == "SUCCESS", done


def test_jobs_go_on_after_the_queue_was_away(container, job):
    """After a restart of the queue jobs are done again, without a restart of the worker"""
    before = container.state.started_at
    queue = container.companion("queue")
    queue.restart()
    queue.wait_until_ready(30)
    done = job("summarise", [1, 2, 3], seconds=50)
    assert done["state"] == "SUCCESS", done
    assert container.state.started_at == before

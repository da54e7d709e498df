"""One real job through each component, and what is done with jobs that cannot be done."""

import json

import pytest

#: Probes wait for a client that is a Python of its own, and then for the job.
pytestmark = pytest.mark.timeout(90)


@pytest.fixture
def job(host):
    """Hand in a job and wait for it; gives what became of it: state and result."""

    def hand_in(name, *arguments, seconds=40):
        done = host.run(
            f"timeout 60 job jobs.{name} %s {seconds}", json.dumps(arguments, ensure_ascii=False)
        )
        assert done.rc == 0, done.stderr[-500:]
        return json.loads(done.stdout)

    return hand_in


@pytest.fixture
def result(job):
    """Hand in a job that is to succeed; gives its result."""

    def of(name, *arguments):
        done = job(name, *arguments)
        assert done["state"] == "SUCCESS", done
        return done["result"]

    return of


def test_libcurl_fetches_a_page(host, result):
    """libcurl fetches a page, and follows where it has moved to"""
    page = host.run("sha256sum /srv/worker/pages/shapes.html").stdout.split()[0]
    fetched = result("fetch", "http://pages:8080/moved")
    assert fetched["status"] == 200
    assert fetched["url"] == "http://pages:8080/shapes.html"
    assert fetched["sha256"] == page
    assert fetched["library"].startswith("7.88.")


def test_redis_counts_in_one_step(result):
    """redis-py counts words, and what was counted before is still there"""
    name = "probe-counting"
    before = result("count", name, ["a"])["a"]
    after = result("count", name, ["a", "b", "a"])
    assert after["a"] == before + 2
    assert after["b"] >= 1


def test_ffmpeg_transcodes_a_clip(result):
    """ffmpeg turns a clip into H.264, and OpenCV sees every picture of it move"""
    clip = result("transcode", 2)
    assert clip["codec"] == "h264"
    assert "mp4" in clip["format"]
    assert abs(clip["seconds"] - 2) < 0.3
    assert clip["pictures"] == 20
    assert clip["moved"] == 19


def test_opencv_finds_shapes(result):
    """OpenCV finds a circle and a rectangle where they were drawn"""
    rows = [[255] * 100 for _ in range(60)]
    for y in range(60):
        for x in range(100):
            if (x - 25) ** 2 + (y - 30) ** 2 <= 15**2 or (60 <= x < 90 and 20 <= y < 40):
                rows[y][x] = 0
    picture = "P2\n100 60\n255\n" + "".join(" ".join(map(str, row)) + "\n" for row in rows)
    found = result("find_shapes", picture)
    assert [one["shape"] for one in found] == ["circle", "rectangle"]
    circle, rectangle = found
    assert abs(circle["x"] - 25) <= 1
    assert abs(circle["y"] - 30) <= 1
    assert abs(rectangle["x"] - 75) <= 1
    assert (rectangle["width"], rectangle["height"]) == (30, 20)


def test_node_runs_a_script(host, result):
    """Node.js runs a script over numbers, in the version that is installed"""
    summary = result("summarise", [3, 1, 4, 1.5, 9])
    assert (summary["count"], summary["mean"], summary["median"]) == (5, 3.7, 3)
    assert f"v{summary['node']}" == host.run("node --version").stdout.strip()
    assert summary["node"].startswith("18.")


def test_phantomjs_renders_a_page(result):
    """PhantomJS renders a page to PNG with what its script made, as OpenCV can see"""
    page = result("render", "http://pages:8080/shapes.html")
    assert page["phantomjs"] == "2.1.1"
    assert (page["title"], page["text"]) == ("Shapes", "made by script")
    assert (page["width"], page["height"]) == (400, 200)
    seen = [(shape["shape"], shape["x"], shape["y"]) for shape in page["shapes"]]
    assert seen == [("circle", 80, 100), ("rectangle", 280, 100)]


def test_a_job_that_cannot_be_done_says_why(job):
    """A job that fails is kept as failed, with the reason"""
    done = job("summarise", ["no number"])
    assert done["state"] == "FAILURE"
    assert "a list of numbers is wanted" in done["result"]
    done = job("find_shapes", "no picture")
    assert done["state"] == "FAILURE"
    assert "this is no picture" in done["result"]


@pytest.mark.timeout(120)
def test_a_poisoned_job_is_given_up(job, result):
    """A job that ends its process each time is given up, and the next one is done"""
    done = job("crash", seconds=60)
    assert done["state"] == "FAILURE", done
    assert "it ended its process 3 times" in done["result"]
    assert result("summarise", [1])["count"] == 1


def test_a_job_that_hangs_is_ended(job, result):
    """A job that never ends is ended after its time, and the next one is done"""
    done = job("hang")
    assert done["state"] == "FAILURE", done
    assert "TimeLimitExceeded" in done["result"]
    assert result("summarise", [1])["count"] == 1


def test_jobs_are_done_side_by_side(host):
    """Ten jobs handed in at once are all done, by more than one process"""
    handed_in = host.run(
        "timeout 60 python3 -c %s",
        "import settings; from celery import Celery, group\n"
        "application = Celery('client'); application.config_from_object(settings)\n"
        "jobs = [application.signature('jobs.summarise', [[n]]) for n in range(10)]\n"
        "print(sorted(one['mean'] for one in group(jobs, app=application)().get(timeout=50)))",
    )
    assert handed_in.stdout.strip() == str(list(range(10))), handed_in.stderr[-500:]
    children = host.run("cat /proc/1/task/1/children").stdout.split()
    assert len(children) == 2


def test_the_versions_are_those_that_are_named(host):
    """Python, Celery, redis-py, OpenCV and ffmpeg are those that the row names"""
    seen = host.run(
        "timeout 40 python3 -c 'import celery, redis, cv2, platform; "
        "print(platform.python_version(), celery.__version__, redis.__version__, cv2.__version__)'"
        "; ffmpeg -version | head -n 1 | cut -d ' ' -f 3"
    ).stdout.split()
    assert [".".join(one.split(".")[:2]) for one in seen] == ["3.11", "5.4", "5.2", "4.10", "5.1"]


def test_it_runs_as_a_user_without_rights(host):
    """The worker and its processes have their own user, and no capability"""
    for number in ["1", *host.run("cat /proc/1/task/1/children").stdout.split()]:
        status = host.run(f"grep -E '^(Uid|CapEff):' /proc/{number}/status").stdout.split()
        assert status[1:3] == ["10001", "10001"]
        assert status[-1] == "0" * 16

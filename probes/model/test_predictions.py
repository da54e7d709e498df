"""What the model says: the digits it was tested on, to the last declared decimal."""

import json
import random

import pytest

URL = "http://localhost:8000"
#: Largest difference between two right answers: of another processor, or another order of sums.
TOLERANCE = 1e-5
SHOWN = 3


@pytest.fixture
def read(host):
    """Read one of the files that the model was built with."""

    def file(name):
        done = host.run(f"cat /srv/model/{name}")
        assert done.rc == 0, done.stderr
        return json.loads(done.stdout)

    return file


@pytest.fixture
def ask(host):
    """Ask something; gives the HTTP status and the JSON of the answer."""

    def send(path, options="", *data):
        done = host.run(
            "timeout 30 curl -sS -w '\\n%%{http_code}' -H 'Content-Type: application/json' "
            f"{options} %s",
            *data,
            f"{URL}{path}",
        )
        assert done.rc == 0, done.stderr
        answer, _, status = done.stdout.rpartition("\n")
        assert answer.startswith("{"), answer[:200]
        return int(status), json.loads(answer)

    return send


@pytest.fixture
def predict(ask):
    """Ask for pictures by numbers or, without any, for all that were kept for testing."""

    def send(pictures=None, digits=None):
        wanted = "" if digits is None else f"?digits={digits}"
        if pictures is None:
            data = ("--data-binary %s", "@/srv/model/holdout.json")
        else:
            data = ("--data-binary %s", json.dumps({"pixels": pictures}))
        status, answer = ask(f"/predict{wanted}", *data)
        assert status == 200, answer
        return answer

    return send


def differences(found, wanted, allowed):
    """The largest differences above what is allowed, worst first, each with its place."""
    seen = (
        (abs(one - other), case, digit, one, other)
        for case, (row, reference) in enumerate(zip(found, wanted, strict=True))
        for digit, (one, other) in enumerate(zip(row, reference, strict=True))
    )
    worst = sorted((one for one in seen if one[0] > allowed), reverse=True)
    return [
        f"picture {case}, digit {digit}: {one!r} instead of {other!r}"
        for _, case, digit, one, other in worst[:SHOWN]
    ]


def rounded(rows, digits):
    return [[round(value, digits) for value in row] for row in rows]


def test_predictions_are_equal_to_the_last_declared_digit(read, predict):
    """Every probability is, to the last declared decimal, what it was when the model was built"""
    answer = predict()
    assert answer["digits"] == 4
    wanted = rounded(read("reference.json")["probabilities"], answer["digits"])
    assert differences(answer["probabilities"], wanted, 0) == []


def test_predictions_differ_by_less_than_the_tolerance(read, predict):
    """No probability differs by more than one in a hundred thousand, with all its decimals"""
    found = predict(digits=60)["probabilities"]
    assert differences(found, read("reference.json")["probabilities"], TOLERANCE) == []


@pytest.mark.warn
def test_predictions_are_equal_to_the_last_bit(read, predict):
    """Every probability is the same to its last bit, as where the model was built"""
    found = predict(digits=60)["probabilities"]
    assert differences(found, read("reference.json")["probabilities"], 0) == []


@pytest.mark.timeout(60)
def test_a_picture_alone_is_seen_as_among_others(read, predict):
    """A picture gets the same answer alone as among all others"""
    pictures, together = read("holdout.json")["pixels"], predict()["probabilities"]
    for case in random.sample(range(len(pictures)), 5):
        assert differences(predict([pictures[case]])["probabilities"], [together[case]], 0) == []


def test_it_is_as_accurate_as_it_says(read, ask, predict):
    """Of the pictures kept for testing it knows as many as it declares, 95 in 100 at least"""
    labels = read("reference.json")["labels"]
    found = predict()["labels"]
    share = sum(one == other for one, other in zip(found, labels, strict=True)) / len(labels)
    assert share >= 0.95
    assert round(share, 4) == ask("/model")[1].get("accuracy")


def test_probabilities_are_probabilities(predict):
    """The probabilities of a picture are ten, add up to one, and the label has the largest"""
    answer = predict(digits=9)
    for label, row in zip(answer["labels"], answer["probabilities"], strict=True):
        assert len(row) == 10
        assert abs(sum(row) - 1) < 1e-5
        assert row[label] == max(row) > 0.1


@pytest.mark.parametrize(
    ("drawn", "digit"),
    [
        ("...##... ..####.. .##..##. .##..##. .##..##. .##..##. ..####.. ...##...", 0),
        ("..#####. ......#. .....#.. ....#... ..#####. ...#.... ...#.... ..#.....", 7),
    ],
    ids=["zero", "seven"],
)
def test_a_digit_that_was_never_seen_is_recognised(predict, drawn, digit):
    """A digit that nobody drew before is recognised"""
    picture = [16 if sign == "#" else 0 for sign in drawn.replace(" ", "")]
    assert predict([picture])["labels"] == [digit]


@pytest.mark.parametrize(
    "body",
    [
        "no json",
        '{"pixels": []}',
        '{"pixels": [[1, 2, 3]]}',
        json.dumps({"pixels": [["ink"] * 64]}),
        json.dumps({"pixels": [[17] * 64]}),
        '{"pixels": [[' + "1e999," * 63 + "1]]}",
        '{"pictures": 1}',
    ],
    ids=["words", "none", "short", "text", "too-black", "infinite", "misnamed"],
)
def test_what_is_no_picture_is_refused_with_a_reason(ask, body):
    """What is no picture is refused, and told why"""
    status, answer = ask("/predict", "--data-binary %s", body)
    assert status == 422
    assert answer["detail"]


def test_more_than_it_can_hold_is_refused(host):
    """A request of two megabytes is refused before it is read"""
    sent = host.run(
        "head -c 2000000 /dev/zero | timeout 20 curl -sS -o /dev/null -w '%{http_code}' "
        f"-H 'Expect:' --data-binary @- {URL}/predict"
    )
    assert sent.stdout == "413", sent.stderr


def test_the_model_is_the_one_that_was_built(host, ask):
    """The model in the file is the one that is declared, run by the libraries that are installed"""
    about = ask("/model")[1]
    assert about.get("sha256") == host.run("sha256sum /srv/model/model.onnx").stdout.split()[0]
    installed = host.run(
        "timeout 20 python3 -c 'import onnxruntime, numpy, platform; "
        "print(onnxruntime.__version__, numpy.__version__, platform.python_version())'"
    )
    assert installed.rc == 0, installed.stderr
    named = [about.get(name) for name in ("onnxruntime", "numpy", "python")]
    assert installed.stdout.split() == named
    assert named[0].startswith("1.19.")


def test_it_runs_as_a_user_without_rights(host):
    """The server is one process of its own user, without a capability"""
    status = host.run("grep -E '^(Uid|CapEff):' /proc/1/status").stdout.split()
    assert status[1:3] == ["10001", "10001"]
    assert status[-1] == "0" * 16

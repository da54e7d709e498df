"""Images that do not come, come wrong, or are there already under a name that lies."""

from types import SimpleNamespace

import pytest
from builders.engines import registry
from builders.trials import Result, Trial, Victim

pytestmark = [pytest.mark.engine, pytest.mark.lab]

PASSES = "def test_it(host):\n    assert host.file('/start').exists\n"

#: Repository of the fake registry → what the cell says, words of its message.
CASES: dict[str, tuple[tuple[str, str], str]] = {
    "blob404": (("ERROR", "pull"), "unknown blob"),
    "blob429": (("ERROR", "pull"), "the registry still failed after "),
    "auth401": (("ERROR", "pull"), "unauthorized"),
    "gone": (("ERROR", "pull"), "manifest unknown"),
    "arm64": (("UNSUPPORTED", "architecture"), "arm64"),
    "index": (("UNSUPPORTED", "architecture"), "no matching manifest"),
    "mismatch": (("ERROR", "image-mismatch"), "was asked for"),
    "tiny": (("PASSED", ""), ""),
}
#: Services whose image is built here; that of the second is pulled all the same, and is another.
OWN = {"tiny": "fault-tiny", "mismatch": "fault-other"}
TAKEN = ("compat-matrix/fault-tiny:dev", "shop:prod")


@pytest.fixture(scope="module")
def run(docker_host: Victim, tmp_path_factory) -> dict:
    """One run of a service for each image, on a host with stale images under the same names."""
    trial = Trial(tmp_path_factory.mktemp("delivery"))
    with registry(SimpleNamespace(process=docker_host.process())) as served:
        at = f"127.0.0.1:{served['port']}"
        stale = docker_host.sh("tar -C /etc -c hostname | docker import -")
        names = [*(f"{at}/{name}:latest" for name in served["digests"]), *TAKEN]
        for name in names:
            docker_host.engine("tag", stale, name)
        for name in CASES:
            image = OWN.get(name, f"fault-{name}")
            # The engine asks a busy registry again and again, for 75 s.
            trial.add(name, PASSES, image=image, deadline="15s" if name == "blob429" else "60s")
            if name in served["digests"]:
                reference = f"{at}/{name}@{served['digests'][name]}"
                trial.images[f"fault-{name}"] = {"reference": reference}
        trial.images["fault-other"] = {
            "context": "fault-other",
            "reference": f"{at}/good@{served['digests']['good']}",
        }
        trial.place("docker", docker_host.host())
        before, since = docker_host.snapshot(), docker_host.sh("date +%s.%N")
        result = trial.run()
        until = docker_host.sh("date +%s.%N")
    after = docker_host.snapshot()
    created = docker_host.engine(
        *("events", "--since", since, "--until", until, "--filter", "event=create"),
        *("--filter", "type=container", "--format", "{{.Actor.Attributes.name}}"),
    )
    docker_host.engine("rmi", *names)
    return {"result": result, "before": before, "after": after, "created": created, "stale": stale}


@pytest.mark.parametrize("name", CASES)
def test_an_image_that_cannot_be_had_has_its_reason(run: dict, name: str):
    expected, words = CASES[name]
    result: Result = run["result"]
    cell = result.cell(f"{name}@docker")

    assert cell.answer == expected, cell.message
    assert words in cell.message
    assert cell.tries == [expected] * (2 if expected[1] == "pull" else 1)


def test_no_stale_image_is_ever_run(run: dict):
    names = run["created"].split()

    assert [name for name in names if "-tiny-" in name], "the look at the engine's events is blind"
    assert not [
        name for name in names if any(f"-{case}-" in name for case in CASES if case != "tiny")
    ]


def test_no_name_on_the_host_is_moved_made_or_removed(run: dict):
    assert run["after"] == run["before"]


def test_the_image_that_was_probed_is_the_one_that_was_asked_for(run: dict):
    cell = run["result"].cell("tiny@docker").document

    assert cell["image_id"].startswith("sha256:")
    assert cell["attempts"][0]["image_id"] == cell["image_id"] != run["stale"]


@pytest.mark.full
@pytest.mark.parametrize(("name", "words"), [("blob429", "toomanyrequests"), ("cut", "byte range")])
def test_a_registry_that_stays_bad_is_told_in_its_own_words(
    docker_host: Victim, trial: Trial, name: str, words: str
):
    with registry(SimpleNamespace(process=docker_host.process())) as served:
        reference = f"127.0.0.1:{served['port']}/{name}@{served['digests'][name]}"
        trial.images["fault-bad"] = {"reference": reference}
        trial.add("bad", PASSES, image="fault-bad", deadline="3m")
        trial.place("docker", docker_host.host())
        cell = trial.run("--retries", "0").cell("bad@docker")

    assert cell.answer == ("ERROR", "pull")
    assert words in cell.message

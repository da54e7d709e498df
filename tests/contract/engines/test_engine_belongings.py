import pytest
from builders.engines import LABELS, SECONDS, tiny_image

from matrix.core.errors import LeftoverError, UsageError

pytestmark = pytest.mark.engine

TOKEN = "io.compat-matrix.test-token"


def ours(engine, token):
    return {(one.kind, one.name) for one in engine.list_objects(label=f"{TOKEN}={token}")}


def volumes_of(engine, container):
    mounts = engine.inspect_container(container).raw["Mounts"]
    return [one["Name"] for one in mounts if one["Type"] == "volume"]


def test_an_engine_describes_itself(place, engine):
    described = engine.describe()
    facts = described.facts
    assert described.architecture == "amd64"
    assert described.root.startswith("/var/lib/")
    assert facts["engine.name"] == place.name
    assert facts["engine.id"] == described.id == engine.describe().id != ""
    assert facts["engine.runtime"] in {"runc", "crun"}
    for fact in ("version", "api", "storage_driver", "cgroup_version", "runtime_version"):
        assert facts[f"engine.{fact}"], fact
    assert facts["engine.rootless"] is False
    assert facts["engine.memory_limit"] is True


def test_what_carries_our_label_is_listed_in_every_state(engine, create, running, network, token):
    running(name=f"{network}-a")
    create(name=f"{network}-b")
    assert ours(engine, token) == {
        ("network", network),
        ("container", f"{network}-a"),
        ("container", f"{network}-b"),
    }
    assert engine.list_objects(label="io.compat-matrix.test-token=nonesuch") == ()


def test_a_container_goes_running_or_not_with_its_anonymous_volumes(
    place, engine, create, running, network
):
    container = running(volumes=("/data",))
    (volume,) = volumes_of(engine, container)
    engine.remove_object("container", container)
    assert engine.inspect_container(container) is None
    names = [one["Name"] for one in place.client().volumes()["Volumes"] or []]
    assert volume not in names
    engine.remove_object("container", create())


def test_what_is_gone_already_is_fine(engine):
    for kind in ("container", "network", "volume", "image"):
        engine.remove_object(kind, "mx-test-nonesuch")


def test_a_paused_container_goes_too(engine, running):
    container = running()
    engine.control(container, "pause")
    engine.remove_object("container", container)
    assert engine.inspect_container(container) is None


def test_a_network_goes_with_what_of_ours_is_still_on_it(engine, running, network, token):
    running()
    engine.remove_object("network", network)
    assert "network" not in {kind for kind, _ in ours(engine, token)}


def test_a_network_that_others_joined_is_left_with_the_command_for_it(place, image, network, token):
    engine, client = place.engine, place.client()
    theirs = client.create_container(
        image, host_config=client.create_host_config(network_mode=network)
    )["Id"]
    client.start(theirs)
    try:
        identity = next(one.id for one in engine.list_objects(label=f"{TOKEN}={token}"))
        with pytest.raises(LeftoverError) as caught:
            engine.remove_object("network", identity)
        assert caught.value.remedy == f"{place.program} network rm {identity}"
        assert client.inspect_container(theirs)["State"]["Running"]
    finally:
        client.remove_container(theirs, force=True)


def test_a_volume_in_use_is_left_with_the_command_for_it(place, engine, running):
    (volume,) = volumes_of(engine, running(volumes=("/data",)))
    with pytest.raises(LeftoverError, match=r"in use|being used") as caught:
        engine.remove_object("volume", volume)
    assert caught.value.remedy == f"{place.program} volume rm {volume}"


def test_a_volume_that_nobody_uses_goes(place, engine, token):
    client = place.client()
    name = f"mx-test-{token}"
    client.create_volume(name, labels={**LABELS, TOKEN: token})
    assert ours(engine, token) == {("volume", name)}
    engine.remove_object("volume", name)
    assert ours(engine, token) == set()


def test_an_image_in_use_is_left(engine, create, image):
    create()
    with pytest.raises(LeftoverError):
        engine.remove_object("image", image)
    assert engine.inspect_image(image) is not None


def test_an_image_that_others_have_named_is_left_with_its_name(place, engine, token):
    image_id, archive = tiny_image()
    engine.load_image([archive], image_id, seconds=SECONDS)
    client = place.client()
    client.tag(image_id, f"decoy/{token}", "1")
    try:
        with pytest.raises(LeftoverError, match=f"decoy/{token}:1"):
            engine.remove_object("image", image_id)
        assert engine.inspect_image(f"decoy/{token}:1").id == image_id
    finally:
        client.remove_image(f"decoy/{token}:1")


def test_only_what_an_engine_has_can_be_removed(engine):
    with pytest.raises(UsageError):
        engine.remove_object("host", "x")

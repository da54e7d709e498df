"""What is wrong in files: all of it at once, each with place, finding and what is allowed."""

import pytest

from matrix.core.errors import ConfigError
from matrix.loading import load_project

CATALOGUE = "images/catalogue.toml"
INVENTORY = "inventories/lab.toml"


def test_faults_of_all_files_are_reported_together_with_their_lines(files):
    files.change("matrix.toml", 'name = "demo"', 'nam = "demo"')
    files.change(CATALOGUE, 'title = "Queue"', 'tittle = "Queue"')
    files.change(CATALOGUE, "pids = 64", 'pids = "64"')
    files.change(INVENTORY, 'engine = "podman"', 'engine = "podmann"')
    assert files.faults() == [
        "matrix.toml: name: nothing"
        " (required: text on one line without control characters, at most 300)",
        'matrix.toml:2: nam: unknown key "nam" (did you mean "name"? known: name, catalogue,'
        " inventories, outside_probes, reports, state, policy)",
        'images/catalogue.toml:13: services.queue.tittle: unknown key "tittle" (did you mean'
        ' "title"? known: image, command, environment, user, capabilities, tmpfs, volumes, ports,'
        " read_only, memory, pids, shm and 9 more)",
        "images/catalogue.toml:23: services.queue.pids: text (a whole number from 1 to 1000000)",
        'inventories/lab.toml:12: environments.qa.engine: "podmann"'
        ' (did you mean "podman"? known: docker, podman, swarm)',
    ]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('image = "web"', 'image = "wbe"', 'services.web.image: "wbe" (no image has this name;'),
        ('{ BASE = "bookworm" }', '{ BASE = "bokworm" }', 'did you mean "bookworm"'),
        ('probes = ["../probes/queue"]', 'probes = ["../probes/q"]', "a folder that exists"),
        ('context = "queue"', 'context = "base"', "a folder with a Dockerfile"),
        ("[services.web]", "[services.Web]", 'services.Web: "Web" (a name of lower-case'),
        ('name = "replica"', 'name = "queue"', '"queue" for the second time'),
        ('memory = "64MiB"', 'memory = "64MB"', 'services.queue.memory: "64MB" (a size such as'),
        ('deadline = "2m"', "deadline = 120", "services.queue.deadline: a whole number (a span"),
        ("redis = 6379", "redis = 65536", "65536 (a whole number from 1 to 65535)"),
        ('["NET_RAW"]', '["CAP_NET_RAW"]', 'did you mean "NET_RAW"'),
        ('volumes = ["/data"]', 'volumes = ["/:/host"]', '"/:/host" (an absolute path inside'),
        ('{ MODE = "x=1 y" }', "{ MODE = 5150 }", "environment.MODE: a whole number (text"),
        ("timeout =", "timeot =", 'readiness.timeot: unknown key "timeot" (did you mean'),
        ('start = "after"', 'start = "later"', "companions[0].start"),
        ('">=" = "256MiB"', '">=" = "256MB"', 'memory_bytes.">=": "256MB" (a size'),
        ('{ ">=" = "1.40" }', "{}", 'requires."engine.api": an empty table'),
        ('{ ">=" = "1.40" }', '{ "=>" = "1.40" }', "known: ==, >=, <=, in"),
        ('{ ">=" = "1.40" }', '{ ">=" = nan }', "a finite number"),
        ('{ ">=" = "1.40" }', '{ ">=" = 1979-05-27 }', "text, a number, or true or false"),
        ('in = ["amd64", "arm64"]', "in = []", "an empty list"),
        ("read_only = false", 'read_only = "no"', "read_only: text (true or false)"),
        ('user = "redis"', 'user = "-redis"', "a user of the image"),
        ('suite = "bookworm"', "", "bases.bookworm.suite: nothing (required: the name of a"),
        ('context = "queue"', "", "images.queue: neither context nor reference"),
    ],
)
def test_a_wrong_catalogue_says_what_is_allowed(files, old, new, words):
    files.change(CATALOGUE, old, new)
    files.change(INVENTORY, 'exclude = { web = "no licence there" }', "")
    assert words in files.fault()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('kind = "qa"', 'kind = "quality"', "known: laptop, development, qa, production"),
        ('user = "deploy"\n', "", "hosts[0].user: nothing (required for SSH)"),
        ('address = "10.0.0.1"', 'address = "-oProxyCommand=id"', "shell characters"),
        ('address = "10.0.0.1"', 'address = "$(id)"', "shell characters"),
        ('user = "deploy"', 'user = "a;id"', 'hosts[0].user: "a;id" (a login name)'),
        ('known_hosts = "../keys/known_hosts"\n', "", "only known machines are talked to"),
        ('identity_file = "../keys/qa"\n', "", "no key is offered that was not chosen"),
        ("max_sessions = 2", 'agent_key = "SHA256:%s"' % ("b" * 43), "only one of them"),
        ("max_sessions = 2", 'host_keys = ["x"]', "a public host key"),
        ("max_sessions = 2", "max_sessions = 0", "0 (a whole number from 1 to 1000)"),
        ("max_sessions = 2", 'password = "x"', 'unknown key "password"'),
        ('connection = "local"', 'connection = "locl"', 'did you mean "local"'),
        ('connection = "local"', 'connection = "local"\nport = 2', "a key for SSH (leave it out"),
        ("exclude = { web", "exclude = { wbe", 'no service has this name; did you mean "web"'),
        ('"no licence there"', '" "', "exclude.web: no reason"),
        ("parallel = 3", "parallel = true", "limits.parallel: true or false (a whole number"),
        ('user = "me"', 'user = "me", identity_file = "k"', "identity_file and agent_key"),
        ('carrier = "dial-stdio"', 'carrier = "stdio"', 'did you mean "dial-stdio"'),
        ('engine_socket = "/run/podman.sock"', 'engine_socket = "unix:///x"', "a socket such as"),
        ('title = "QA server"', 'title = "\\u001b[31mQA"', r'"\x1b[31mQA" (text on one line'),
        (
            'name = "here"',
            'name = "here"\nconnection = "local"\n[[environments.laptop.hosts]]\nname = "here"',
            '"here" for the second time',
        ),
    ],
)
def test_a_wrong_inventory_says_what_is_allowed(files, old, new, words):
    files.change(INVENTORY, old, new)
    assert words in "\n".join(files.faults())


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('["queue@*"]', '["queue"]', "a pattern of cell ids"),
        ('["queue@*"]', '["quue@*"]', '"quue@*", which matches no cell'),
        ('["queue@*"]', "[]", "an empty list"),
        ('["queue@qa"]', '["queue@qq"]', 'which matches no cell (did you mean "queue@qa"?'),
        ('fresh = "7d"', 'fresh = "a week"', "a span of time"),
        ('"images/catalogue.toml"', '"images/none.toml"', "images/none.toml: no such file"),
        ('["inventories/lab.toml"]', "[]", "inventories: an empty list"),
        ('"probes/outside"', '"probes/none"', "a folder that exists"),
    ],
)
def test_a_wrong_project_file_says_what_is_allowed(files, old, new, words):
    files.change("matrix.toml", old, new)
    assert words in "\n".join(files.faults())


def test_an_environment_of_the_same_name_in_two_inventories_is_a_fault(files):
    text = (files.root / INVENTORY).read_text()
    files.write("inventories/more.toml", text.replace("environments.laptop", "environments.other"))
    files.change(
        "matrix.toml",
        '["inventories/lab.toml"]',
        '["inventories/lab.toml", "inventories/more.toml"]',
    )
    assert "inventories/more.toml:9: environments.qa: also in inventories/lab.toml" in files.fault()


def test_a_catalogue_that_cannot_be_read_does_not_make_the_other_files_wrong(files):
    files.write(CATALOGUE, "[")
    assert "images/catalogue.toml:1: not TOML" in files.fault()


def test_a_value_of_the_wrong_type_is_not_shown_since_it_may_be_a_secret(files):
    files.change(CATALOGUE, '{ MODE = "x=1 y" }', "{ MODE = 5150123 }")
    assert "5150123" not in files.fault()


def test_a_value_is_shown_short_and_harmless(files):
    files.change(CATALOGUE, 'user = "redis"', 'user = "\\u001b]0;x\\u0007' + "y" * 5000 + '"')
    fault = files.fault()
    assert "\x1b" not in fault
    assert len(fault) < 300


def test_an_odd_key_is_shown_harmless(files):
    files.change(CATALOGUE, 'user = "redis"', '"us\\u001ber" = "redis"')
    assert r'services.queue."us\x1ber": unknown key' in files.fault()


def test_a_relative_path_is_shown_from_where_the_user_is(files, monkeypatch):
    files.change("matrix.toml", 'name = "demo"', "name = 1")
    monkeypatch.chdir(files.root / "images")
    with pytest.raises(ConfigError) as caught:
        load_project(files.root / "images")
    assert str(caught.value.faults[0]).startswith(f"{files.root}/matrix.toml:2: name: a whole")

"""A small project on disk, to be bent by each test."""

from pathlib import Path

import pytest

from matrix.core.errors import ConfigError
from matrix.loading import load_project

MATRIX = """
name = "demo"
catalogue = "images/catalogue.toml"
inventories = ["inventories/lab.toml"]
outside_probes = "probes/outside"

[policy]
required = ["queue@*"]
fresh = "7d"
allow_unsupported = ["queue@qa"]
"""

CATALOGUE = """
[bases.bookworm]
suite = "bookworm"

[images.queue]
context = "queue"
bases = { BASE = "bookworm" }

[images.web]
reference = "registry/web@sha256:0000000000000000000000000000000000000000000000000000000000000000"

[services.queue]
title = "Queue"
contents = "Redis"
image = "queue"
probes = ["../probes/queue"]
deadline = "2m"
command = ["redis", "--port", "6379"]
user = "redis"
capabilities = ["NET_RAW"]
read_only = false
memory = "64MiB"
pids = 64
shm = "16MiB"
stop_grace = "3s"
environment = { MODE = "x=1 y" }
tmpfs = { "/tmp" = "size=1m" }
volumes = ["/data"]
ports = { redis = 6379 }
readiness = { command = "redis-cli ping", timeout = "30s", interval = "500ms" }

[[services.queue.companions]]
name = "replica"
image = "queue"
start = "after"
memory = "32MiB"

[services.queue.requires]
architecture = { in = ["amd64", "arm64"] }
memory_bytes = { ">=" = "256MiB", "<=" = 1099511627776 }
"engine.api" = { ">=" = "1.40" }
rootless = { "==" = false }

[services.web]
image = "web"
"""

INVENTORY = """
[environments.laptop]
kind = "laptop"
engine = "docker"
[[environments.laptop.hosts]]
name = "here"
connection = "local"

[environments.qa]
title = "QA server"
kind = "qa"
engine = "podman"
labels = { site = "lab" }
limits = { parallel = 3, free_disk = "2GiB", image_cache = "0" }
exclude = { web = "no licence there" }
[[environments.qa.hosts]]
name = "qa-1"
connection = "ssh"
address = "10.0.0.1"
port = 2222
user = "deploy"
identity_file = "../keys/qa"
known_hosts = "../keys/known_hosts"
engine_sudo = true
engine_socket = "/run/podman.sock"
carrier = "dial-stdio"
max_sessions = 2
jump = { address = "gate", user = "me", agent_key = "SHA256:AGENT", host_keys = ["HOSTKEY"] }

[environments.qa.lab]
suite = "trixie"
anything = [1, { x = 2 }]
""".replace("AGENT", "a" * 43).replace(
    "HOSTKEY", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP" + "A" * 42
)


class Files:
    """A project's folder, with the project found in it and the faults it has."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("images/queue", "images/base", "probes/queue", "probes/outside"):
            (root / folder).mkdir(parents=True)
        (root / "images/queue/Dockerfile").write_text("FROM scratch\n")
        self.write("matrix.toml", MATRIX)
        self.write("images/catalogue.toml", CATALOGUE)
        self.write("inventories/lab.toml", INVENTORY)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def change(self, name, old, new):
        text = (self.root / name).read_text()
        assert old in text, f"nothing to change: {old}"
        self.write(name, text.replace(old, new))

    def load(self, **more):
        return load_project(self.root, **more)

    def faults(self, **more):
        with pytest.raises(ConfigError) as caught:
            self.load(**more)
        return [str(fault) for fault in caught.value.faults]

    def fault(self, **more):
        (only,) = self.faults(**more)
        return only


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Files(tmp_path)

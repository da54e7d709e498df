"""What the probes of the analytics DB share: files over WebHDFS, statements over Thrift."""

import json
import uuid

import pytest


@pytest.fixture
def token():
    """A word that nothing else is called; safe in a shell and in SQL as it is."""
    return f"probe_{uuid.uuid4().hex}"


@pytest.fixture
def webhdfs(host):
    """Send one request to the file system; gives the HTTP status and the body."""

    def send(method, path, operation, options="", user="ann"):
        done = host.run(
            f"timeout 25 curl -sSL -w '\\n%%{{http_code}}' -X {method} {options} %s",
            f"http://localhost:50070/webhdfs/v1{path}?op={operation}&user.name={user}",
        )
        assert done.rc == 0, done.stderr
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body

    return send


@pytest.fixture
def folder(webhdfs, token):
    """A folder that belongs to ann, gone after the probe."""
    path = f"/tmp/{token}"
    webhdfs("PUT", "/tmp", "MKDIRS&permission=777", user="analytics")
    webhdfs("PUT", path, "MKDIRS&permission=755")
    yield path
    webhdfs("DELETE", path, "DELETE&recursive=true", user="analytics")


@pytest.fixture
def store(webhdfs):
    """Write a text into a file."""

    def write(path, words):
        options = f"-H Content-Type:application/octet-stream --data-binary '{words}'"
        status, answer = webhdfs("PUT", path, "CREATE&overwrite=true", options)
        assert status == 201, answer

    return write


@pytest.fixture
def status_of(webhdfs):
    """What the name node knows of a file."""

    def ask(path):
        status, answer = webhdfs("GET", path, "GETFILESTATUS")
        assert status == 200, answer
        return json.loads(answer)["FileStatus"]

    return ask


@pytest.fixture
def hive(host):
    """Send statements to Hive in one session over Thrift; gives the rows of the answers."""

    def run(*statements):
        done = host.run("timeout 80 hive-query " + " ".join(["%s"] * len(statements)), *statements)
        assert done.rc == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

    return run

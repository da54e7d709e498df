"""What is done with files in HDFS, over HTTP and with Hadoop's own shell."""

import json

import pytest


def test_a_file_comes_back_unchanged(host, folder, status_of):
    """A file of a megabyte comes back unchanged"""
    address = f"http://localhost:50070/webhdfs/v1{folder}/large?user.name=ann&op="
    sent = host.run("seq 200000 | head -c 1000000 | sha256sum").stdout
    written = host.run(
        "seq 200000 | head -c 1000000"
        " | timeout 20 curl -sSL -o /dev/null -w '%%{http_code}' -X PUT"
        " -H Content-Type:application/octet-stream --data-binary @- %s",
        f"{address}CREATE",
    )
    assert written.stdout == "201", written.stderr
    assert status_of(f"{folder}/large")["length"] == 1000000
    returned = host.run("timeout 20 curl -sSL %s | sha256sum", f"{address}OPEN")
    assert returned.stdout == sent


def test_a_file_can_be_appended_to(webhdfs, store, folder):
    """A file can be appended to"""
    store(f"{folder}/log", "first,")
    options = "-H Content-Type:application/octet-stream --data-binary second"
    assert webhdfs("POST", f"{folder}/log", "APPEND", options)[0] == 200
    assert webhdfs("GET", f"{folder}/log", "OPEN") == (200, "first,second")


def test_part_of_a_file_can_be_read(webhdfs, store, folder):
    """A part of a file can be read"""
    store(f"{folder}/words", "one two three")
    assert webhdfs("GET", f"{folder}/words", "OPEN&offset=4&length=3") == (200, "two")


def test_files_are_listed_renamed_and_deleted(webhdfs, store, folder):
    """Files are listed, renamed and deleted"""
    store(f"{folder}/old", "content")
    target = f"RENAME&destination={folder}/new"
    assert json.loads(webhdfs("PUT", f"{folder}/old", target)[1]) == {"boolean": True}
    listed = json.loads(webhdfs("GET", folder, "LISTSTATUS")[1])["FileStatuses"]["FileStatus"]
    assert [(one["pathSuffix"], one["type"], one["owner"]) for one in listed] == [
        ("new", "FILE", "ann")
    ]
    webhdfs("DELETE", f"{folder}/new", "DELETE")
    status, answer = webhdfs("GET", f"{folder}/new", "OPEN")
    assert status == 404
    assert "FileNotFoundException" in answer


def test_a_file_belongs_to_its_owner(webhdfs, store, folder):
    """Nobody but its owner reads or deletes a file that is private"""
    store(f"{folder}/private", "secret")
    webhdfs("PUT", f"{folder}/private", "SETPERMISSION&permission=600")
    assert webhdfs("GET", f"{folder}/private", "OPEN", user="mallory")[0] == 403
    assert webhdfs("DELETE", f"{folder}/private", "DELETE", user="mallory")[0] == 403
    assert webhdfs("GET", f"{folder}/private", "OPEN") == (200, "secret")


def test_blocks_have_checksums(webhdfs, store, folder):
    """Equal files have equal checksums, others do not"""
    for name, words in (("a", "same"), ("b", "same"), ("c", "other")):
        store(f"{folder}/{name}", words)
    sums = [
        json.loads(webhdfs("GET", f"{folder}/{name}", "GETFILECHECKSUM")[1])["FileChecksum"]
        for name in "abc"
    ]
    assert sums[0]["algorithm"].startswith("MD5-of-")
    assert sums[0] == sums[1] != sums[2]


@pytest.mark.timeout(60)
def test_the_shell_sees_what_came_over_http(host, store, folder):
    """Hadoop's own shell reads what was written over HTTP"""
    store(f"{folder}/words", "over the wire")
    seen = host.run(f"timeout 40 analytics fs -cat {folder}/words")
    assert seen.stdout == "over the wire", seen.stderr

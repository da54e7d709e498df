"""What can be known of a kit before anything of it runs: whose it is, and what it needs."""

import json
import zipfile

import pytest
from builders.customers import Customer, Sender

pytestmark = pytest.mark.engine


def test_a_kit_that_was_really_built_is_verified(sender: Sender):
    public = sender.key.with_suffix(".pub")
    done = sender.matrix("bundle", "verify", sender.kit, "--signer", public, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    data = json.loads(done.stdout)
    assert [one["check"] for one in data["findings"]] == [
        "signature",
        "whole",
        "contents",
        "expiry",
    ]
    assert data["kit"]["customer"] == "acme"


def test_a_kit_says_what_a_machine_needs_and_does_nothing(sender: Sender, customer: Customer):
    done = customer.run("sh", sender.kit, "preflight", "--requirements")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("What a server needs for: tiny\n")
    assert "of memory free while it runs" in done.stdout
    with zipfile.ZipFile(sender.kit) as archive:
        assert archive.read("requirements.txt").decode() == done.stdout
    assert sorted(path.name for path in customer.folder.iterdir()) == ["tmp"]
    assert list(customer.temporary.iterdir()) == []

import base64

import pytest

from matrix.hosts.known_hosts import look_up, parse_key, pinned

ONE, TWO = (f"ssh-ed25519 {base64.b64encode(text).decode()}" for text in (b"one", b"two"))


def known(lines: list[str], address: str = "qa.example", port: int = 22) -> list[str]:
    return [str(key) for key in look_up(lines, address, port).trusted]


@pytest.mark.parametrize(
    ("names", "address", "port", "found"),
    [
        ("qa.example", "qa.example", 22, True),
        ("QA.Example", "qa.EXAMPLE", 22, True),
        ("qa.example", "qa.example", 2222, False),
        ("[qa.example]:2222", "qa.example", 2222, True),
        ("[qa.example]:2222", "qa.example", 22, False),
        ("*.example", "qa.example", 22, True),
        ("q?.example", "qa.example", 22, True),
        ("*.example,!qa.example", "qa.example", 22, False),
        ("!qa.example,*.example", "qa.example", 22, False),
        ("[q]a.example", "qa.example", 22, False),
        ("10.0.0.1", "10.0.0.1", 22, True),
        ("fe80::1", "fe80::1", 22, True),
        ("|1|notbase64|x", "qa.example", 22, False),
        ("|1|onlyone", "qa.example", 22, False),
    ],
)
def test_a_line_is_for_the_machines_its_first_field_names(names, address, port, found):
    assert known([f"{names} {ONE}"], address, port) == ([ONE] if found else [])


def test_every_line_of_a_machine_counts_and_broken_ones_do_not():
    lines = ["", "# qa.example", "qa.example", "qa.example ssh-ed25519 !!", f"qa.example {ONE} me"]
    assert known([*lines, f"qa.example {TWO}"]) == [ONE, TWO]


def test_markers_are_told_apart():
    lines = [f"@revoked qa.example {ONE}", f"@cert-authority * {TWO}", f"@other qa.example {TWO}"]
    found = look_up(lines, "qa.example", 22)

    assert [str(key) for key in found.revoked] == [ONE]
    assert found.trusted == ()


def test_a_pinned_key_that_cannot_be_read_trusts_nothing():
    assert pinned(["ssh-ed25519 not*base64", "ssh-ed25519", ""]).trusted == ()
    assert [str(key) for key in pinned([f"{ONE} comment"]).trusted] == [ONE]


def test_a_fingerprint_is_what_ssh_keygen_prints():
    key = parse_key(
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
    )
    # ssh-keygen -lf on the public host key of github.com.
    assert key.fingerprint == "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"

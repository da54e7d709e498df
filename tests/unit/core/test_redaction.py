"""What may not leave a customer's machine does not."""

import base64
import html
import json
import shlex
import string
import time
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrix.core.redaction import Redactor
from matrix.core.text import REDACTED

KEY = b"k" * 32
SECRETS = [f"s3cr3t/+&<{number}>-Ünlock" for number in range(40)]
PRIVATE = """-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
-----END OPENSSH PRIVATE KEY-----"""

ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda secret: secret,
    "base64": lambda secret: base64.b64encode(f"user:{secret}".encode()).decode(),
    "base64url": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
    "percent": lambda secret: quote(secret, safe=""),
    "json": json.dumps,
    "hex": lambda secret: secret.encode().hex(),
    "html": html.escape,
    "python": repr,
    "json in html": lambda secret: html.escape(json.dumps({"x": secret})),
    "html in python in json": lambda secret: json.dumps(repr(html.escape(f"'{secret}'"))),
    "shell": lambda secret: repr(shlex.quote(secret)),
    "json in json": lambda secret: json.dumps(json.dumps({"x": secret})),
    "wrapped": lambda secret: base64.encodebytes(f"{'x' * 50}{secret}".encode()).decode(),
}


def redactor(**changes: object) -> Redactor:
    return Redactor(KEY, **changes)  # type: ignore[arg-type]


def holds(secret: str, text: str) -> bool:
    """Whether *secret* can be had from *text*, in any encoding above."""
    whole = text.replace("\n", "")
    inner = base64.b64encode(secret.encode()).decode()[:-4]
    forms = (encode(secret).strip("\"'").replace("\n", "") for encode in ENCODINGS.values())
    return any(form in whole for form in (*forms, inner))


@pytest.fixture(scope="module")
def who_knows() -> Redactor:
    """One that knows all the secrets; making it takes its time."""
    return redactor(secrets=SECRETS)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("secret", SECRETS)
def test_a_known_secret_is_gone_in_every_encoding(who_knows: Redactor, secret: str, encoding: str):
    written = ENCODINGS[encoding](secret)
    assert "wrapped" in encoding or holds(secret, written)
    redacted = who_knows(f"before {written} after")
    assert "before" in redacted
    assert "after" in redacted
    assert REDACTED in redacted
    assert not holds(secret, redacted)


@pytest.mark.parametrize("secret", [SECRETS[0], "correct-horse-battery-staple-1"])
@pytest.mark.parametrize("mark", ["...", "…", "\n[… 12 bytes left out …]\n", "\n… cut, 9 …\n", ""])
def test_half_a_secret_is_gone_where_a_text_was_cut(secret: str, mark: str):
    one = redactor(secrets=[secret])
    for length in range(6, len(secret)):
        before, behind = secret[:length], secret[-length:]
        assert before not in one(f"it is '{before}{mark}")
        assert behind not in one(f"{mark}{behind}' it is")
    assert one.take_out(f"a {secret[:12]}")[1] == {"secret": 1}


@pytest.mark.parametrize(
    ("text", "gone", "kind"),
    [
        (f"x\n{PRIVATE}\ny", "b3Blbn", "key"),
        (f"x {PRIVATE[:80]}", "b3Blbn", "key"),
        (f"{PRIVATE[:80]}{'Q' * 30_000} and so on: {'log ' * 9000}", "b3Blbn", "key"),
        (json.dumps(PRIVATE), "b3Blbn", "key"),
        ("clone https://bob:hunter2@git.example/x", "hunter2", "credentials"),
        ("clone https://hunter2hunter2@git.example/x", "hunter2", "credentials"),
        ("redis://:hunter2@queue:6379/0", "hunter2", "credentials"),
        ("DB_PASSWORD=hunter2 and more", "hunter2", "secret"),
        ('{"api_key": "hunter2"}', "hunter2", "secret"),
        (json.dumps('{"password": "hunter2"}'), "hunter2", "secret"),
        ('passphrase: "correct horse battery"', "battery", "secret"),
        ("SECRET_KEY => hunter2", "hunter2", "secret"),
        (f"token={'a' * 3000}", "aaa", "secret"),
        ("?access_key=hunter2&x=1", "hunter2", "secret"),
        ("Authorization: Bearer abcdefghijklmnop.q", "abcdefghijklmnop", "token"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "abcdefghij", "token"),
        ("AKIAIOSFODNN7EXAMPLE", "AKIA", "token"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc", "eyJzdWIi", "token"),
    ],
)
def test_what_looks_like_a_secret_is_gone_and_counted(text: str, gone: str, kind: str):
    redacted, taken = redactor().take_out(text)
    assert gone not in redacted
    assert taken == {kind: 1}


def test_names_and_addresses_become_tokens_that_stay_the_same():
    one, two = redactor(names=["db7.acme.example", "db7"]), redactor(names=["db7"])
    text = "db7.acme.example is DB7 at 10.1.2.3, fe80::1:2 and 02:42:ac:11:00:02"
    found, taken = one.take_out(text)
    for gone in ("db7", "DB7", "acme", "10.1.2.3", "fe80", "02:42"):
        assert gone not in found
    assert taken == {"name": 2, "address": 3}
    assert one("DB7") == one("db7") == two("db7")
    assert one("10.1.2.3") == two("10.1.2.3") != one("10.1.2.4")
    assert one("FE80::1:2") == one("fe80:0:0:0:0:0:1:2") == one("fe80::1:2")
    assert Redactor(b"other", names=["db7"])("db7") != one("db7")


@pytest.mark.parametrize(
    "text",
    ["x\\ndb7 is", "http%3A%2F%2Fdb7%2F", "db7_backup", "mail.acme.example", "me@acme.example"],
)
def test_names_are_found_beside_escapes_and_within_their_domain(text: str):
    redacted = redactor(names=["db7", "acme.example"])(text)
    assert "[host-" in redacted
    for gone in ("db7", "acme", "mail"):
        assert gone not in redacted


def test_an_address_is_found_behind_an_escape():
    redacted = redactor()("inet:\\n02:42:ac:11:00:02\\nfe80::1:2\\n10.1.2.3\\n")
    assert redacted.count("[address-") == 3


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1:6379 and ::1 and 0.0.0.0 and [::]",
        "at 12:30:45 version 1.2.3 of std::vector",
        "localhost says x::y, netmask 255.255.0.0",
        "sha256:945c85a68b72d20ff38db0042661fd37d69c58c0c5de14582c972f5cea33323c",
        "dbase is not db, nor is adb7b",
        "the password is asked for, the token is not: see key 7",
        "root@docker:/# keytool -list",
        "an unfinished line...",
    ],
)
def test_what_says_nothing_about_anybody_stays(text: str):
    assert redactor(names=["db7", "docker"], secrets=SECRETS).take_out(text) == (text, {})


def test_what_the_customer_chose_is_gone():
    one = redactor(chosen=["Project Falcon", "acme"])
    assert one.take_out("it is project falcon, yes") == (f"it is {REDACTED}, yes", {"chosen": 1})
    assert one("Acme, acme_db, pacman and acmeist") == (
        f"{REDACTED}, {REDACTED}_db, pacman and acmeist"
    )
    assert one.take_out(b"Project Falcon".hex()) == (REDACTED, {"chosen": 1})
    assert one.take_out(base64.b64encode(b"at acme!").decode())[1] == {"chosen": 1}


def test_what_is_learnt_later_is_gone_from_then_on():
    one = redactor()
    assert "hunter22" in one("it is hunter22 on db7")
    one.learn(secrets=["hunter22"], names=["db7"])
    assert one("hunter22") == REDACTED
    assert one("db7") == redactor(names=["db7"])("db7")


def test_a_colour_within_a_secret_does_not_hide_it():
    assert "unlock" not in redactor(secrets=["hunter2unlock"])("hunter2\x1b[31munlock").lower()


def test_a_terminal_keeps_its_control_characters():
    assert redactor(secrets=["hunter22"]).hide("\x1b[2K\rhunter22") == f"\x1b[2K\r{REDACTED}"


WORDS = st.lists(
    st.text(string.ascii_letters + string.digits + ".-_/[]\\'&% é", min_size=1), max_size=5
)


@st.composite
def texts_with(draw: st.DrawFn, words: list[str]) -> str:
    """Anything, and often what is to be taken out, beside anything."""
    of_interest = [
        *words,
        "10.1.2.3",
        "password=",
        "://a:b@",
        "token: x",
        "...",
        "[redacted]",
        "\\n",
    ]
    pieces = st.one_of(st.text(max_size=8), st.sampled_from(of_interest))
    return "".join(draw(st.lists(pieces, max_size=12)))


@settings(max_examples=60)
@given(st.data(), WORDS, WORDS, WORDS)
def test_whatever_the_text_redacting_is_stable(
    data: st.DataObject, secrets: list[str], names: list[str], chosen: list[str]
):
    text = data.draw(texts_with([*secrets, *names, *chosen]))
    made = [redactor(secrets=secrets, names=names, chosen=chosen) for _ in range(2)]
    once = made[0](text)
    assert once == made[1](text)
    assert made[0](once) == once
    assert made[0].take_out(once)[1] == {}


@given(st.from_regex(r"[a-z]{3,9}\d{1,4}\.[a-z]{3,9}\.example", fullmatch=True))
def test_another_key_gives_other_tokens(name: str):
    tokens = {Redactor(bytes([key]) * 32, names=[name])(name) for key in range(3)}
    assert len(tokens) == 3


def fastest(redact: Redactor, text: str) -> float:
    times = []
    for _ in range(3):
        began = time.process_time()
        redact(text)
        times.append(time.process_time() - began)
    return min(times)


#: Has much that can be escaped, and can be mistaken for its own escapes.
ODD = r"a\\\b'&amp;%2525\'\n\b"
HOSTILE = {
    "keys": "-----BEGIN PRIVATE KEY-----",
    "keys without end": "-----BEGIN PRIVATE KEY-----x ",
    "passwords": "password=",
    "quoted": "token: '",
    "dots": "1.",
    "colons": "a:",
    "addresses": "10.1.2.3 ",
    "urls": "://a",
    "jwt": "eyJ",
    "jwt with lines": "eyJ-",
    "bearers": "bearer ",
    "cuts": "…hunter2hunter2x",
    "halves": "hunter2hunter2…",
    "ours": "[redacted]",
    "names": "db7.",
    "domains": "a-b.",
    "secrets": "hunter2hunter2xyz",
    "half secrets": "hunter2hunter2x",
    "blanks": " ",
    "one letter": "a",
    "escapes": "\\n",
    "backslashes": "\\",
    "a secret with backslashes": "a\\\\\\\\",
}


def assert_linear(hostile: str, size: int) -> None:
    """Four times the text takes at most three times its share of time."""
    one = redactor(names=["db7.acme.example", "db7"], secrets=["hunter2hunter2xyz", "aaaab", ODD])
    text = (hostile * (1 + size // len(hostile)))[:size]
    short, long = fastest(one, text[: size // 4]), fastest(one, text)
    assert long < 3 * 4 * short + 0.05


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_text_takes_more_than_its_share_of_time(hostile: str):
    assert_linear(hostile, 1 << 14)


@pytest.mark.full
@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_text_of_a_mebibyte_takes_more_than_its_share_of_time(hostile: str):
    assert_linear(hostile, 1 << 20)

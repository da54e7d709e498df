"""What the web application firewall keeps out, and what it must let in."""

import pytest

SITE = "https://localhost:8443"
BLOCKED = "403"


@pytest.fixture
def status(host):
    """The HTTP status of one request made with these options of curl."""

    def ask(*options):
        quoted = " ".join(["%s"] * len(options))
        done = host.run(
            "timeout 8 curl -sS -o /dev/null -w '%%{http_code}' --cacert /run/web/tls.crt "
            f"-G {quoted} {SITE}/",
            *options,
        )
        assert done.rc == 0, done.stderr
        return done.stdout

    return ask


@pytest.mark.parametrize(
    "attack",
    ["1' OR '1'='1' --", "1 UNION SELECT password FROM users", "1'; DROP TABLE users; --"],
    ids=["tautology", "union", "drop"],
)
def test_sql_injection_is_blocked(status, attack):
    """An SQL injection is blocked"""
    assert status("--data-urlencode", f"id={attack}") == BLOCKED


@pytest.mark.parametrize(
    "attack",
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'],
    ids=["script", "onerror"],
)
def test_cross_site_scripting_is_blocked(status, attack):
    """A script in a parameter is blocked"""
    assert status("--data-urlencode", f"q={attack}") == BLOCKED


def test_reading_the_servers_files_is_blocked(status):
    """A path that leads out of the site is blocked"""
    assert status("--data-urlencode", "file=../../../../etc/passwd") == BLOCKED


def test_running_commands_is_blocked(status):
    """A shell command in a parameter is blocked"""
    assert status("--data-urlencode", "host=localhost; cat /etc/passwd") == BLOCKED


def test_an_attack_in_a_header_is_blocked(status):
    """The hole called Shellshock, tried through a header, is blocked"""
    assert status("-H", "Referer: () { :; }; /bin/bash -c 'cat /etc/passwd'") == BLOCKED


def test_attack_tools_are_blocked(status):
    """A well-known attack tool is not answered"""
    assert status("-A", "sqlmap/1.7 (https://sqlmap.org)") == BLOCKED


@pytest.mark.parametrize(
    "search",
    ["O'Reilly", "Research & Development", "select the best union jack", "grüße ☃"],
    ids=["apostrophe", "ampersand", "words", "unicode"],
)
def test_harmless_searches_are_let_in(status, search):
    """A harmless search that looks a little like an attack is let in"""
    assert status("--data-urlencode", f"q={search}") == "200"

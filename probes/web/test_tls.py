"""What protects the way to the reader: TLS, and the headers that keep browsers on it."""

import re

import pytest

PLAIN = "http://localhost:8080"


@pytest.fixture
def handshake(host):
    """Try to agree on TLS with these options; the cipher agreed on, "" for a refusal."""

    def try_it(options):
        done = host.run(f"echo | timeout 8 openssl s_client -connect localhost:8443 {options} 2>&1")
        assert "CONNECTED" in done.stdout, done.stdout[-500:]
        # For a refusal openssl writes "Cipher is (NONE)" or "Cipher    : 0000".
        agreed = re.search(r"^New, TLSv[\d.]+, Cipher is (\S+)", done.stdout, re.MULTILINE)
        return "" if agreed is None or agreed[1] == "(NONE)" else agreed[1]

    return try_it


def test_plain_http_leads_to_tls(host):
    """Who comes over plain HTTP is sent to the same page over TLS"""
    sent = host.run(
        f"timeout 8 curl -sS -o /dev/null -w '%{{http_code}} %{{redirect_url}}' {PLAIN}/about.html"
    )
    assert sent.stdout == "301 https://localhost:8443/about.html"


@pytest.mark.parametrize("version", ["tls1_2", "tls1_3"])
def test_present_tls_is_spoken(handshake, version):
    """TLS of today is spoken"""
    assert handshake(f"-{version}")


@pytest.mark.parametrize("version", ["tls1", "tls1_1"])
def test_old_tls_is_refused(handshake, version):
    """TLS that is no longer safe is refused, though the client would take it"""
    assert handshake("-tls1_2"), "nothing is spoken at all"
    assert handshake(f"-{version} -cipher ALL@SECLEVEL=0") == ""


@pytest.mark.parametrize("cipher", ["ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384"])
def test_weak_ciphers_are_refused(handshake, cipher):
    """A weak cipher is refused, though the client would take it"""
    assert handshake("-tls1_2"), "nothing is spoken at all"
    assert handshake(f"-tls1_2 -cipher {cipher}@SECLEVEL=0") == ""


def test_the_certificate_holds_for_a_week_at_least(host):
    """The certificate holds for its name and for a week at least"""
    fetch = "echo | timeout 8 openssl s_client -connect localhost:8443 2>/dev/null"
    lasting = host.run(f"{fetch} | openssl x509 -noout -checkend 604800")
    assert lasting.rc == 0, lasting.stdout
    named = host.run(f"{fetch} | openssl x509 -noout -checkhost localhost")
    assert "does match" in named.stdout


def test_nobody_else_can_read_the_key(host):
    """The private key is readable by nobody but the server's own user"""
    key = host.run("stat -c %a /run/web/tls.key")
    assert key.stdout.strip() == "600"


def test_browsers_are_told_to_be_careful(host):
    """Browsers are told to stay on TLS, and to load nothing from elsewhere"""
    page = host.run(
        "timeout 8 curl -sS -I --cacert /run/web/tls.crt https://localhost:8443/"
    ).stdout.lower()
    assert re.search(r"(?m)^strict-transport-security: max-age=\d{7,}", page)
    assert "x-content-type-options: nosniff" in page
    assert "content-security-policy: default-src 'self'" in page

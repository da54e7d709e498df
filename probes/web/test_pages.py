"""What a reader gets: the pages and all that belongs to them."""

import re

import pytest

SITE = "https://localhost:8443"


@pytest.fixture
def curl(host):
    """Ask the site for something, trusting only the certificate it made for itself."""

    def ask(path, options=""):
        done = host.run(
            f"timeout 8 curl -sS --cacert /run/web/tls.crt {options} %s", f"{SITE}{path}"
        )
        assert done.rc == 0, done.stderr
        return done.stdout

    return ask


def test_the_front_page_is_served(curl):
    """The front page is served over TLS, under a certificate that holds for its name"""
    assert "It works here" in curl("/")


def test_all_that_the_front_page_needs_is_there(curl):
    """Everything that the front page refers to is there, as what it claims to be"""
    types = {
        "css": "text/css",
        "js": "application/javascript",
        "html": "text/html",
        "/": "text/html",
    }
    wanted = set(re.findall(r'(?:href|src)="(/[^"]*)"', curl("/")))
    assert {"/css/bootstrap.min.css", "/js/bootstrap.min.js"} <= wanted
    for path in sorted(wanted):
        answer = curl(path, "-o /dev/null -w '%%{http_code} %%{content_type}'")
        assert answer.split(";")[0] == f"200 {types[re.split('[.]', path)[-1]]}", path


def test_the_page_uses_styles_that_exist(curl):
    """Each class of the front page is defined in the style sheets it loads"""
    page = curl("/")
    sheets = "".join(curl(path) for path in re.findall(r'href="(/css/[^"]+)"', page))
    used = {name for value in re.findall(r'class="([^"]+)"', page) for name in value.split()}
    assert {"hero-unit", "navbar-inner", "btn-primary"} <= used
    assert [name for name in sorted(used) if f".{name}" not in sheets] == []


def test_a_missing_page_says_so(curl):
    """A page that does not exist answers 404 with the site's own words"""
    answer = curl("/no-such-page", "-w '%%{http_code}'")
    assert "There is no such page" in answer
    assert answer.endswith("404")


def test_pages_are_compressed_for_those_who_ask(host, curl):
    """A style sheet is sent compressed and is the same when unpacked"""
    path = "/css/bootstrap.min.css"
    plain = curl(path, "-o /dev/null -w '%%{size_download}'")
    packed = curl(path, "--compressed -o /dev/null -w '%%{size_download}'")
    assert 0 < int(packed) < int(plain) / 2
    command = f"timeout 8 curl -sS --cacert /run/web/tls.crt %s {SITE}{path} | sha256sum"
    sums = {host.run(command, option).stdout for option in ("--compressed", "--no-compressed")}
    assert len(sums) == 1


def test_an_unchanged_page_is_not_sent_again(curl):
    """A reader who has the page is told that it has not changed"""
    tag = re.search(r'(?im)^etag: *("[^"]+")', curl("/", "-I"))
    assert tag, "there is no ETag"
    again = curl("/", f"-H 'If-None-Match: {tag[1]}' -o /dev/null -w '%%{{http_code}}'")
    assert again == "304"


def test_a_part_of_a_file_can_be_asked_for(curl):
    """A download that was cut off can be continued"""
    whole = curl("/css/site.css")
    part = curl("/css/site.css", "-r 5-14 -w '|%%{http_code}'")
    assert part == f"{whole[5:15]}|206"


def test_many_requests_share_one_connection(curl):
    """The site speaks HTTP/2"""
    assert curl("/", "--http2 -o /dev/null -w '%%{http_version}'") == "2"

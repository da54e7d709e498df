"""What a visitor sees: pages made by Rails from templates, sessions, and a form."""

import json
import re
import uuid

import pytest

URL = "http://localhost:8080"


@pytest.fixture
def token():
    """A word that is in no other request; safe in a shell as it is."""
    return f"probe{uuid.uuid4().hex}"


@pytest.fixture
def curl(host, token):
    """Ask for a path with a cookie jar of its own; gives the HTTP status and the text."""

    def ask(path, options=""):
        done = host.run(
            f"timeout 20 curl -sS -b /tmp/{token} -c /tmp/{token} -w '\\n%%{{http_code}}' "
            f"{options} %s",
            f"{URL}{path}",
        )
        assert done.rc == 0, done.stderr
        answer, _, status = done.stdout.rpartition("\n")
        assert status.isdigit(), done.stdout
        return int(status), answer

    yield ask
    host.run(f"rm -f /tmp/{token}")


def form_token(page):
    """The token in a page's form, "" when there is none."""
    found = re.search(r'name="authenticity_token" value="([^"]+)"', page)
    return found[1] if found else ""


def test_the_components_are_those_that_are_named(host, curl):
    """Ruby 3.1, Rails 6.1, Unicorn 6.0 and LibSass 3.6 answer, and Ruby is the one installed"""
    status, answer = curl("/about")
    assert status == 200
    assert answer.startswith("{"), answer[:200]
    about = json.loads(answer)
    installed = host.run("ruby -e 'print RUBY_VERSION'").stdout
    assert about["ruby"] == installed
    named = ("ruby", "rails", "unicorn", "sassc", "libsass")
    short = [".".join(about[name].split(".")[:2]) for name in named]
    assert short == ["3.1", "6.1", "6.0", "2.4", "3.6"]


def test_it_runs_as_a_user_without_rights(host):
    """Unicorn and its workers are processes of their own user, without a capability"""
    for number in ["1", *host.run("cat /proc/1/task/1/children").stdout.split()]:
        status = host.run(f"cat /proc/{number}/status").stdout
        assert re.search(r"(?m)^Uid:\s+10001\s+10001\s", status)
        assert re.search(r"(?m)^CapEff:\s+0{16}$", status)


def test_the_page_is_rendered(curl):
    """The front page is put together from layout, page and partial"""
    status, page = curl("/")
    assert status == 200
    assert page.startswith("<!doctype html>")
    assert '<h1 class="page__title">Welcome, visitor</h1>' in page
    assert '<p class="visits">You have been here 1 time.</p>' in page


def test_what_a_visitor_says_is_only_text(curl):
    """Markup in a parameter is shown as text"""
    status, page = curl("/?name=%3Cscript%3Ealert(1)%3C/script%3E%20Gr%C3%BC%C3%9Fe")
    assert status == 200
    assert "Welcome, &lt;script&gt;alert(1)&lt;/script&gt; Grüße" in page


@pytest.mark.timeout(60)
def test_a_visitor_is_known_again(host, curl):
    """Visits are counted in a session that every worker can read and no visitor can change"""
    seen = [re.search(r"(\d+) times?\.", curl("/")[1]) for _ in range(6)]
    assert [one and int(one[1]) for one in seen] == [1, 2, 3, 4, 5, 6]
    jar = curl("/", "-D -")[1]
    cookie = re.search(r"(?im)^set-cookie: frontend=([^;]+).*httponly", jar)
    assert cookie, jar[:600]
    forged = host.run("timeout 20 curl -sS -b %s %s", f"frontend=x{cookie[1]}", f"{URL}/").stdout
    assert "been here 1 time." in forged


def test_a_form_is_taken_from_who_was_given_it(curl, token):
    """A form sent with its token is taken, and what was in it is shown once"""
    hidden = form_token(curl("/notes/new")[1])
    assert hidden, "there is no token in the form"
    sent = f"--data-urlencode 'authenticity_token={hidden}' -d note={token} -L"
    status, page = curl("/notes", sent)
    assert status == 200
    assert f'<p class="note">{token}</p>' in page
    assert token not in curl("/")[1]


def test_a_form_from_elsewhere_is_refused(curl, token):
    """A form sent without its token, or with another's, is refused"""
    assert curl("/notes", f"-d note={token}")[0] == 422
    assert curl("/notes", f"-d note={token} -d authenticity_token={token}")[0] == 422
    assert token not in curl("/")[1]


def test_a_missing_page_says_so(curl):
    """A page that does not exist answers 404 with the site's own words"""
    status, page = curl("/no-such-page")
    assert status == 404
    assert "There is no such page" in page


def test_browsers_are_told_to_be_careful(curl):
    """Browsers are told to load nothing from elsewhere and not to guess types"""
    head = curl("/", "-D -")[1].lower()
    assert "content-security-policy: default-src 'self'" in head
    assert "x-content-type-options: nosniff" in head
    assert "x-frame-options: sameorigin" in head

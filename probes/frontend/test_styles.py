"""Sass at work: the site's own styles, compiled when it was built, and those that come later."""

import re

import pytest

URL = "http://localhost:8080"


@pytest.fixture
def fetch(host):
    """Ask for a path; gives what curl printed."""

    def ask(path, options=""):
        done = host.run(f"timeout 20 curl -sS {options} %s", f"{URL}{path}")
        assert done.rc == 0, done.stderr
        return done.stdout

    return ask


@pytest.fixture
def sheet(fetch):
    """Path of the style sheet that the front page names."""
    return lambda: (re.findall(r'href="(/assets/[^"]+\.css)"', fetch("/")) or ["/none"])[0]


@pytest.fixture
def compile_sass(fetch, host):
    """Have some Sass compiled; gives the HTTP status and the answer in one line."""

    def compile_it(source):
        done = host.run(
            "timeout 20 curl -sS -w '|%%{http_code}' -H 'Content-Type: text/x-scss' "
            f"--data-raw %s {URL}/styles",
            source,
        )
        assert done.rc == 0, done.stderr
        answer, _, status = done.stdout.rpartition("|")
        return int(status), " ".join(answer.split())

    return compile_it


def test_the_style_sheet_is_compiled(fetch, sheet):
    """The page's style sheet is compiled: nesting, functions, mixin, loop, partial"""
    rules = dict(re.findall(r"([^{}]+)\{([^{}]*)\}", fetch(sheet())))
    assert rules == {
        ".page": "max-width:60em",
        ".page__title": "color:#264d73;padding:12px 24px",
        ".note": "border-color:#99b3cc",
        ".button--narrow": "width:20%",
        ".button--wide": "width:60%",
    }


def test_the_style_sheet_may_be_kept_for_ever(fetch, sheet):
    """The style sheet's name tells its content, so browsers may keep it for a year"""
    path = sheet()
    assert re.search(r"-[0-9a-f]{64}\.css$", path)
    head = fetch(path, "-I")
    assert "cache-control: public, max-age=31536000, immutable" in head.lower()
    date = re.search(r"(?im)^last-modified: (.*?)\s*$", head)
    assert date, head
    again = fetch(path, f"-o /dev/null -w '%%{{http_code}}' -H 'If-Modified-Since: {date[1]}'")
    assert again == "304"


def test_the_style_sheet_is_sent_compressed(fetch, sheet, host):
    """Who takes it gets the style sheet compressed, and it unpacks to the same"""
    path = sheet()
    head = fetch(path, "-H 'Accept-Encoding: gzip' -o /dev/null -D -").lower()
    assert "content-encoding: gzip" in head
    assert fetch(path, "--compressed") == fetch(path)


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        (
            "a { b { c: lighten(#336699, 10%); } }",
            "a b { c: #4080bf; }",
        ),
        (
            "@for $n from 1 through 2 { .w-#{$n} { width: 10px * $n; } }",
            ".w-1 { width: 10px; } .w-2 { width: 20px; }",
        ),
        (
            "@function twice($n) { @return $n * 2; } %b { d: e } a { @extend %b; f: twice(4) }",
            "a { d: e; } a { f: 8; }",
        ),
    ],
    ids=["nesting", "loop", "function"],
)
def test_sass_is_compiled_on_demand(compile_sass, source, wanted):
    """Sass that a designer sends comes back as CSS"""
    assert compile_sass(source) == (200, wanted)


def test_a_mistake_in_sass_is_told(compile_sass):
    """A mistake in Sass is answered with what is wrong"""
    status, answer = compile_sass("a { color: $nobody-knows }")
    assert status == 422
    assert "Undefined variable" in answer


def test_sass_reads_no_files_for_visitors(compile_sass):
    """Sass that would read a file of the server is refused"""
    status, answer = compile_sass('a { b: c } @import "/etc/passwd";')
    assert status == 422
    assert "root:" not in answer
    assert compile_sass("a { b: " + "c" * 20000 + " }")[0] == 422

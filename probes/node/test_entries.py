"""What guests do with the book: write into it and read it."""

import json
import uuid

import pytest

URL = "http://localhost:3000"
#: The same for a client that takes the first address of a name and tries no other: of "localhost"
#: that is ::1 where an engine gives containers one, and the application listens on IPv4 only.
BY_ADDRESS = "http://127.0.0.1:3000"
#: Listens to the feed, writes an entry, and prints the feed up to the first entry in it.
LISTEN = """
(async () => {{
  const feed = await fetch('{url}/live');
  const headers = {{ 'Content-Type': 'application/json' }};
  const body = JSON.stringify({{ name: 'probe', text: '{text}' }});
  await fetch('{url}/entries', {{ method: 'POST', headers, body }});
  let heard = '';
  for await (const piece of feed.body) {{
    heard += Buffer.from(piece);
    if (heard.includes('data:')) break;
  }}
  console.log(heard);
}})();
"""


@pytest.fixture
def token():
    """A word that is in no other entry; safe in a shell as it is."""
    return f"probe{uuid.uuid4().hex}"


@pytest.fixture
def ask(host):
    """Send one request; gives the HTTP status and the text of the answer."""

    def send(path, body=None, options=""):
        data = "" if body is None else "-H 'Content-Type: application/json' --data-binary %s"
        done = host.run(
            f"timeout 20 curl -sS -w '\\n%%{{http_code}}' {options} {data} %s",
            *([] if body is None else [body]),
            f"{URL}{path}",
        )
        assert done.rc == 0, done.stderr
        answer, _, status = done.stdout.rpartition("\n")
        assert status.isdigit(), done.stdout
        return int(status), answer

    return send


@pytest.fixture
def write(ask):
    """Write an entry; gives it as it was answered."""

    def entry(text, name="probe"):
        status, answer = ask("/entries", json.dumps({"name": name, "text": text}))
        assert status == 201, answer
        return json.loads(answer)

    return entry


def test_an_entry_can_be_read_back(ask, write, token):
    """An entry is kept and can be read back by its number"""
    written = write(token, name="Dana")
    status, answer = ask(f"/entries/{written['id']}")
    assert status == 200
    assert json.loads(answer) == written
    assert (written["name"], written["text"]) == ("Dana", token)


def test_an_entry_is_on_disk_when_it_is_acknowledged(host, write, token):
    """An entry is a line of the file as soon as it is acknowledged"""
    written = write(token)
    lines = host.run("cat /data/entries.jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines if token in line] == [written]


def test_the_page_shows_what_was_written(ask, write, token):
    """The page shows the newest entry first, and markup in it is only text"""
    write(f"{token}-one")
    write(f"<script>{token}</script>")
    status, page = ask("/")
    assert status == 200
    assert f"&lt;script&gt;{token}&lt;/script&gt;" in page
    assert f"<script>{token}" not in page
    assert page.index(f"{token}&lt;/script") < page.index(f"{token}-one")


@pytest.mark.parametrize(
    "text",
    ["Grüße aus Köln", "漢字かな交じり文", "☃ 🐳", 'a "quoted" \\ text\nin two lines'],
    ids=["umlauts", "japanese", "symbols", "quotes"],
)
def test_text_in_any_script_survives(ask, write, text):
    """Text in any script comes back as it was written"""
    written = write(text)
    assert json.loads(ask(f"/entries/{written['id']}")[1]).get("text") == text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("no json", 400),
        ("[]", 400),
        ('{"name": "x"}', 400),
        ('{"name": " ", "text": "x"}', 400),
        ('{"name": "x", "text": 7}', 400),
        (json.dumps({"name": "x", "text": "x" * 20000}), 413),
    ],
    ids=["words", "list", "no-text", "blank", "number", "too-large"],
)
def test_a_wrong_entry_is_refused_with_a_reason(ask, body, status):
    """A wrong entry is refused, and told why"""
    found, answer = ask("/entries", body)
    assert found == status
    assert json.loads(answer)["error"]


def test_what_is_not_there_is_not_found(ask, write, token):
    """A page and an entry that do not exist are not found"""
    write(token)
    assert [ask(path)[0] for path in ("/entries/99999999", "/no-such-page")] == [404, 404]


@pytest.mark.timeout(60)
def test_guests_at_the_same_time_do_not_mix(host, ask, token):
    """Twenty entries written at the same time are twenty, each with a number of its own"""
    body = json.dumps({"name": "probe", "text": token})
    sent = host.run(
        "timeout 40 sh -c 'for n in $(seq 20); do curl -sS -o /dev/null "
        '-H "Content-Type: application/json" '
        f'-w "%%{{http_code}}\\n" -d "$0" {URL}/entries & done; wait\' %s',
        body,
    )
    assert sent.stdout.split() == ["201"] * 20
    entries = json.loads(ask("/entries")[1])
    assert len({entry["id"] for entry in entries if entry.get("text") == token}) == 20


def test_the_whole_book_can_be_taken_away(host, write, token):
    """The book is sent compressed, and unpacked it is the file"""
    write(token)
    # A compressed file begins with 1f 8b.
    packed = host.run(f"timeout 20 curl -sS {URL}/export | head -c 2 | od -An -tx1")
    assert packed.stdout.split() == ["1f", "8b"]
    book = host.run(f"timeout 20 curl -sS {URL}/export | gunzip").stdout
    assert token in book
    assert book == host.run("cat /data/entries.jsonl").stdout


@pytest.mark.timeout(60)
def test_who_listens_hears_of_a_new_entry(host, token):
    """Who listens to the live feed is told of an entry when it is written"""
    heard = host.run("timeout 15 node -e %s", LISTEN.format(url=BY_ADDRESS, text=token))
    assert token in heard.stdout, heard.stderr

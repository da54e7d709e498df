"""Does the sample service work? Write yours like these; `matrix probe list` shows them.

`host` is a testinfra host inside the container, `container` and `outside` look at it from the
machine. More: docs/howto/probes.md in matrix's repository.
"""


def test_page_is_served(host):
    """The page is served inside the container"""
    page = host.run("wget -q -O - http://127.0.0.1:8080/")
    assert page.rc == 0, page.stderr
    assert "It works here" in page.stdout


def test_missing_page_is_refused(host):
    """A page that does not exist is refused"""
    assert host.run("wget -q -O - http://127.0.0.1:8080/nothing").rc != 0


def test_server_runs_unprivileged(host):
    """The server runs as an unprivileged user"""
    assert host.run("id -u").stdout.strip() == "65534"


def test_published_port_answers(container, outside):
    """The published port answers on the machine"""
    address, port = container.address("http")
    request = f"exec 3<>/dev/tcp/{address}/{port}; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3"
    answer = outside.run("timeout 5 bash -c %s", request)
    assert "It works here" in answer.stdout

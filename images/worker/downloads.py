"""Downloads, by libcurl."""

import hashlib
import io

import pycurl

LARGEST_BYTES = 1_000_000


class Failed(Exception):
    """Nothing came, or not now: worth another try."""


def fetch(url):
    """Status, size and digest of what is at *url*."""
    content = io.BytesIO()
    handle = pycurl.Curl()
    handle.setopt(pycurl.URL, url)
    handle.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    handle.setopt(pycurl.FOLLOWLOCATION, True)
    handle.setopt(pycurl.MAXREDIRS, 3)
    handle.setopt(pycurl.CONNECTTIMEOUT, 2)
    handle.setopt(pycurl.TIMEOUT, 4)
    handle.setopt(pycurl.MAXFILESIZE, LARGEST_BYTES)
    # Signals would meet Celery's.
    handle.setopt(pycurl.NOSIGNAL, True)
    handle.setopt(pycurl.WRITEDATA, content)
    try:
        handle.perform()
        status = handle.getinfo(pycurl.RESPONSE_CODE)
        where = handle.getinfo(pycurl.EFFECTIVE_URL)
    except pycurl.error as error:
        raise Failed(f"{url}: {error.args[1]}") from None
    finally:
        handle.close()
    if status >= 500:
        raise Failed(f"{url}: status {status}")
    data = content.getvalue()
    return {
        "status": status,
        "url": where,
        "size_bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "library": pycurl.version_info()[1],
    }

"""A registry on 127.0.0.1 that misbehaves as its repositories are named; run as a program.

Prints one line of JSON: its port, and repository → digest of its image. ``good`` has a tiny image
that works, ``arm64`` one for another machine only, ``index`` an index without this machine in it.
The others have an image and fail where their name says: ``blob404``, ``blob429``, ``auth401``,
``cut`` (half of a layer), ``gone`` (no such manifest).
"""

import gzip
import hashlib
import io
import json
import secrets
import tarfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

V2 = "application/vnd.docker.distribution.manifest.v2+json"
INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"

BLOBS = {}
MANIFESTS = {}
DIGESTS = {}


def digest_of(data):
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def keep(data):
    BLOBS[digest_of(data)] = data
    return {"digest": digest_of(data), "size": len(data)}


def publish(repository, kind, manifest):
    data = json.dumps(manifest | {"schemaVersion": 2, "mediaType": kind}).encode()
    MANIFESTS[digest_of(data)] = (kind, data)
    DIGESTS[repository] = digest_of(data)
    return {"digest": digest_of(data), "size": len(data), "mediaType": kind}


def publish_image(repository, *, architecture):
    # A layer that no engine has yet, else it would not be asked for.
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        content = secrets.token_bytes(50_000)
        member = tarfile.TarInfo(repository)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    rootfs = {"type": "layers", "diff_ids": [digest_of(buffer.getvalue())]}
    config = {"architecture": architecture, "os": "linux", "config": {}, "rootfs": rootfs}
    kept = keep(json.dumps(config).encode()) | {"mediaType": CONFIG}
    layer = keep(gzip.compress(buffer.getvalue(), 1, mtime=0)) | {"mediaType": LAYER}
    return publish(repository, V2, {"config": kept, "layers": [layer]})


class Registry(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        parts = self.path.strip("/").split("/")
        if len(parts) == 4 and parts[2] == "manifests":
            self.answer_manifest(parts[1], parts[3])
        elif len(parts) == 4 and parts[2] == "blobs":
            self.answer_blob(parts[1], parts[3])
        else:
            self.answer(200, b"{}")

    do_HEAD = do_GET

    def answer_manifest(self, repository, reference):
        if repository == "auth401":
            self.refuse(401, "UNAUTHORIZED", "authentication required")
        elif repository == "gone" or reference not in MANIFESTS:
            self.refuse(404, "MANIFEST_UNKNOWN", "manifest unknown")
        else:
            kind, data = MANIFESTS[reference]
            self.answer(200, data, kind=kind, headers={"Docker-Content-Digest": reference})

    def answer_blob(self, repository, digest):
        is_layer = len(BLOBS[digest]) > 10_000
        if repository == "blob404" and is_layer:
            self.refuse(404, "BLOB_UNKNOWN", "blob unknown to registry")
        elif repository == "blob429" and is_layer:
            self.refuse(429, "TOOMANYREQUESTS", "too many requests")
        elif repository == "cut" and is_layer:
            self.answer(200, BLOBS[digest], cut=True)
        else:
            self.answer(200, BLOBS[digest])

    def refuse(self, status, code, message):
        self.answer(status, json.dumps({"errors": [{"code": code, "message": message}]}).encode())

    def answer(self, status, data, *, kind="application/json", headers=(), cut=False):
        self.send_response(status)
        for name, value in {"Content-Type": kind, **dict(headers)}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data[: len(data) // 2] if cut else data)
        self.close_connection = cut

    def log_message(self, *_):
        pass


def main():
    for repository in ("good", "blob404", "blob429", "auth401", "gone", "cut"):
        publish_image(repository, architecture="amd64")
    other = publish_image("arm64", architecture="arm64")
    platform = {"platform": {"architecture": "s390x", "os": "linux"}}
    publish("index", INDEX, {"manifests": [other | platform]})
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    print(json.dumps({"port": server.server_port, "digests": DIGESTS}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()

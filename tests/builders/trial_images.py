"""Images of one busybox that do what a test asks of them, and some that lie."""

import lzma
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

TINY = """\
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "sh", "-c", "busybox --install /bin; mkdir -p /tmp /data /etc"]
VOLUME /data
ENTRYPOINT ["/bin/busybox", "sh", "/start"]
COPY start /start
"""
#: Does what a file in its volume tells it to, so that a probe can make it fail.
START = """\
trap 'exit 0' TERM
echo started
while :; do
  [ ! -e /data/exit ] || exit 3
  [ ! -e /data/eat ] || exec tail -n 1 /dev/zero
  sleep 0.1 &
  wait $!
done
"""
#: A shell that runs nothing it is told to and says that all went well.
IDLE_SHELL = """\
#!/bin/busybox sh
while IFS= read -r line; do
  case $line in *";eval "*) line="${line%%;eval *};true" ;; esac
  printf '%s\\n' "$line"
done | /bin/busybox sh
"""
#: A shell that agrees to every comparison.
AGREEING_SHELL = """\
#!/bin/busybox sh
while IFS= read -r line; do
  case $line in *"; test "*|*"'test "*) line="${line%%test *}true ${line#*test }" ;; esac
  printf '%s\\n' "$line"
done | /bin/busybox sh
"""
WITH_SHELL = 'COPY sh /bin/sh\nRUN ["/bin/busybox", "chmod", "755", "/bin/sh"]\n'
#: Has one program, and no shell that a command could be sent to.
BARE = """\
FROM scratch
COPY busybox /bin/httpd
ENTRYPOINT ["/bin/httpd", "-f", "-p", "8080"]
"""
LABELLED = 'LABEL evil="<img src=x onerror=alert(4)>\'\\"]]>=HYPERLINK(1)"\n'

#: Image → the files of its folder, besides busybox.
IMAGES: Mapping[str, Mapping[str, str]] = {
    "fault-tiny": {"Dockerfile": TINY, "start": START},
    "fault-idle": {"Dockerfile": TINY + WITH_SHELL, "start": START, "sh": IDLE_SHELL},
    "fault-agreeing": {"Dockerfile": TINY + WITH_SHELL, "start": START, "sh": AGREEING_SHELL},
    "fault-other": {"Dockerfile": TINY + "LABEL other=1\n", "start": START},
    "fault-bare": {"Dockerfile": BARE},
    "fault-hostile": {"Dockerfile": TINY + LABELLED, "start": START},
}


def write_image(folder: Path, contents: Mapping[str, str]) -> None:
    """The folder of an image, with a busybox in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in contents.items():
        (folder / name).write_text(text)
    packed = files("matrix").joinpath("data/golden/busybox-amd64.xz").read_bytes()
    (folder / "busybox").write_bytes(lzma.decompress(packed))
    (folder / "busybox").chmod(0o755)

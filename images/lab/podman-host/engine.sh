#!/bin/bash
# Starts the API of a rootful Podman and stays with it; run by entry.sh.
set -eu
SOCKET=/run/podman/podman.sock
# Its users come through the group, as they do for Docker; Podman itself lets only root in.
install -d -m 0750 -g podman /run/podman
rm -f "$SOCKET"
podman system service --time=0 "unix://$SOCKET" &
until [ -S "$SOCKET" ]; do sleep 0.05; done
chgrp podman "$SOCKET"
chmod 0660 "$SOCKET"
wait

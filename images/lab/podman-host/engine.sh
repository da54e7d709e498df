#!/bin/bash
# Starts the API of a rootful Podman and stays it; run by entry.sh.
set -eu
# Its users come through the group, as they do for Docker.
install -d -m 0750 -g podman /run/podman
umask 0007
export PODMAN_IGNORE_CGROUPSV1_WARNING=1
exec sg podman -c 'exec podman system service --time=0 unix:///run/podman/podman.sock'

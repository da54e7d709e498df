#!/bin/bash
# Starts Docker and stays it; run by entry.sh, and by tests that start a killed engine again.
set -eu
# Left by an engine that was killed: it would take the number for a running one.
rm -f /run/docker.pid /run/docker/containerd/containerd.pid
exec dockerd --host unix:///run/docker.sock

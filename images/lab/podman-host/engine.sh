#!/bin/bash
# Starts the API of Podman, root's own or that of an ordinary user, and stays with it; run by
# entry.sh.
set -eu

serve_as_root() {
  local socket=/run/podman/podman.sock
  # Its users come through the group, as they do for Docker; Podman itself lets only root in.
  install -d -m 0750 -g podman /run/podman
  rm -f "$socket"
  podman system service --time=0 "unix://$socket" &
  until [ -S "$socket" ]; do sleep 0.05; done
  chgrp podman "$socket"
  chmod 0660 "$socket"
  wait
}

# What systemd's user session does elsewhere: a folder for the session, and the service in it.
serve_as_user() {
  local user=$1 runtime
  runtime=/run/user/$(id -u "$user")
  chmod 0666 /dev/fuse /dev/net/tun
  install -d -m 0755 /run/user
  install -d -m 0700 -o "$user" -g "$user" "$runtime" "$runtime/podman"
  cd "/home/$user"
  exec setpriv --reuid "$user" --regid "$user" --init-groups --reset-env -- \
    env PODMAN_IGNORE_CGROUPSV1_WARNING=1 HOME="/home/$user" XDG_RUNTIME_DIR="$runtime" \
    podman system service --time=0 "unix://$runtime/podman/podman.sock"
}

if [ -n "${COMPAT_LAB_ROOTLESS:-}" ]; then
  serve_as_user "$COMPAT_LAB_ROOTLESS"
else
  serve_as_root
fi

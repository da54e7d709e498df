#!/bin/bash
# PID 1 of a lab host: prepares the mounts, then runs sshd and the container engine until TERM.
set -u
SETTINGS=/etc/compat-lab
RUN=/run/compat-lab
HERE=/usr/local/lib/compat-lab
# shellcheck source=sshd.sh
. "$HERE/sshd.sh"

# A container that is not privileged gets these read-only; a plain remount leaves bind mounts ro.
make_writable() {
  mount -o remount,rw,bind /sys
  mount -o remount,rw /proc/sys 2> /dev/null
  local folder
  for folder in /sys/fs/cgroup /sys/fs/cgroup/*; do
    if mountpoint -q "$folder"; then mount -o remount,rw,bind "$folder"; fi
  done
  mount --make-rshared /
}

# On a machine with cgroup v1 this host is to have v2: show it the unified hierarchy only. Its
# controllers stay with v1, so the engine accepts limits and the kernel never hears of them.
show_unified_hierarchy() {
  umount -R /sys/fs/cgroup
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
}

# In the unified hierarchy no process may be in a group that hands out controllers to others.
hand_out_controllers() {
  local process controller
  mkdir -p /sys/fs/cgroup/init
  while read -r process; do
    echo "$process" > /sys/fs/cgroup/init/cgroup.procs
  done < /sys/fs/cgroup/cgroup.procs
  for controller in $(< /sys/fs/cgroup/cgroup.controllers); do
    echo "+$controller" > /sys/fs/cgroup/cgroup.subtree_control
  done
}

# A host that is to seem far away listens behind a relay that holds everything back.
serve_ssh() {
  if [ -z "${COMPAT_LAB_LINK:-}" ]; then
    exec /usr/sbin/sshd -D -e -f "$RUN/sshd_config"
  fi
  /usr/sbin/sshd -D -e -f "$RUN/sshd_config" -p 2222 -o ListenAddress=127.0.0.1 &
  # shellcheck disable=SC2086 # three numbers: the port, milliseconds, megabits a second
  exec python3 "$HERE/slow_link.py" $COMPAT_LAB_LINK 2222
}

# The engine is not asked: it would give each of its containers ten seconds. With this process all
# others of the host end too.
trap 'exit 0' TERM INT

make_writable
configure_sshd
if [ "${COMPAT_LAB_CGROUP:-}" = 2 ] && [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then
  show_unified_hierarchy
fi
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then hand_out_controllers; fi
serve_ssh &
bash "$HERE/engine.sh" &
# An engine that dies is not started again: that a host lost its engine is for others to notice.
while :; do
  sleep infinity &
  wait $!
done

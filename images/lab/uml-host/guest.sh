#!/bin/bash
# PID 1 of the guest: mounts, network, kernel modules; then sshd and Docker, until the kernel ends.
set -u
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
SETTINGS=/etc/compat-lab
RUN=/run/compat-lab
. /usr/local/lib/compat-lab/sshd.sh

mount_all() {
  local at
  mount -t proc proc /proc
  mount -t sysfs sysfs /sys
  mount -t devtmpfs devtmpfs /dev 2> /dev/null
  mkdir -p /dev/pts /dev/shm "$SETTINGS" "/lib/modules/$(uname -r)"
  # What makes these elsewhere is an init that is not there.
  ln -sf /proc/self/fd /dev/fd
  for at in 0:stdin 1:stdout 2:stderr; do ln -sf "/proc/self/fd/${at%:*}" "/dev/${at#*:}"; done
  mount -t devpts devpts /dev/pts
  mount -t tmpfs tmpfs /dev/shm
  mount -t tmpfs -o mode=0755 tmpfs /run
  mount -t tmpfs tmpfs /tmp
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  # From the container around the guest.
  mount -t hostfs -o "hostfs=$SETTINGS" none "$SETTINGS"
  mount -t hostfs -o "hostfs=/usr/lib/uml/modules/$(uname -r)" none "/lib/modules/$(uname -r)"
}

# No process may be in a group that hands out controllers to others.
hand_out_controllers() {
  local process controller
  mkdir -p /sys/fs/cgroup/init
  while read -r process; do
    # Threads of the kernel stay where they are.
    echo "$process" 2> /dev/null > /sys/fs/cgroup/init/cgroup.procs
  done < /sys/fs/cgroup/cgroup.procs
  for controller in $(< /sys/fs/cgroup/cgroup.controllers); do
    echo "+$controller" > /sys/fs/cgroup/cgroup.subtree_control
  done
}

join_network() {
  local card
  for card in /sys/class/net/vec* /sys/class/net/eth*; do [ ! -e "$card" ] || break; done
  card=${card##*/}
  ip link set lo up
  ip address add 10.213.255.2/30 dev "$card"
  ip link set "$card" up
  ip route add default via 10.213.255.1
  echo 1 > /proc/sys/net/ipv4/ip_forward
}

load_modules() {
  local module
  for module in overlay bridge br_netfilter veth nf_nat xt_addrtype xt_conntrack xt_MASQUERADE \
    nf_tables nft_compat nft_chain_nat vxlan; do
    modprobe "$module" 2> /dev/null || echo "no kernel module $module"
  done
}

mount_all 2> /dev/null
hand_out_controllers
hostname "$(sed -E 's/.*hostname=([^ ]+).*/\1/' /proc/cmdline)"
join_network
load_modules
configure_sshd
/usr/sbin/sshd -D -e -f "$RUN/sshd_config" &
# The kernel has no table for address translation: Docker is to do without it.
dockerd --host unix:///run/docker.sock --iptables=false --ip6tables=false &
# An engine that dies is not started again: that a host lost its engine is for others to notice.
while :; do
  sleep infinity &
  wait $!
done

#!/bin/bash
# PID 1 of a lab host with a kernel of its own: makes its disk and its line, then runs the kernel
# until TERM. What the lab mounts at /etc/compat-lab is seen by the guest too.
set -eu
DISK=/var/lib/uml/disk
DISK_SIZE=24G
MEMORY=${COMPAT_LAB_MEMORY:-2048M}

# Sparse: it takes what is written to it.
make_disk() {
  mke2fs -q -t ext4 -m 0 -E lazy_itable_init=1 -d /guest "$DISK.new" "$DISK_SIZE"
  mv "$DISK.new" "$DISK"
}

# The guest is behind this container's address: what comes for SSH is handed on to it.
join_guest() {
  ip tuntap add dev tap0 mode tap
  ip address add 10.213.255.1/30 dev tap0
  ip link set tap0 up
  echo 1 > /proc/sys/net/ipv4/ip_forward
  iptables -t nat -A PREROUTING -i eth0 -p tcp --dport 22 -j DNAT --to-destination 10.213.255.2:22
  iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE
}

[ -e "$DISK" ] || make_disk
join_guest
# The guest's memory is a file that is executed from: /tmp is mounted so that it may be.
TMPDIR=/tmp linux.uml "mem=$MEMORY" "ubd0=$DISK" root=/dev/ubda rw "hostname=$(hostname)" \
  vec0:transport=tap,ifname=tap0,depth=128,gro=0 con=null con0=null,fd:1 quiet \
  init=/usr/local/lib/compat-lab/guest.sh < /dev/null &
trap 'kill -KILL %1; exit 0' TERM INT
wait %1

# Prints what is known about this machine, one key=value a line. Set before this text: root.
# Reads files and runs what every machine has; a value that cannot be had is left out.
say() { [ -z "$2" ] || printf '%s=%s\n' "$1" "$2"; }
first() { { IFS= read -r word <"$1"; } 2>/dev/null && printf %s "$word"; }

case $(date +%s.%N) in
*N*) say now "$(date +%s)" ;;
*) say now "$(date +%s.%N)" ;;
esac
say kernel "$(uname -r)"
say machine "$(uname -m)"
say hostname "$(uname -n)"
say uptime "$(first /proc/uptime)"
say init "$(first /proc/1/comm)"
say cpus "$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null)"

while IFS='=' read -r key value; do
    case $key in ID) say os_id "$value" ;; VERSION_ID) say os_version "$value" ;; esac
done 2>/dev/null </etc/os-release
while read -r key value _; do
    case $key in MemTotal:) say memory_total_kb "$value" ;; MemAvailable:) say memory_available_kb "$value" ;; esac
done 2>/dev/null </proc/meminfo
while read -r a b c d e _; do
    case "$a $b" in "Max open") say nofile "$d" && say nofile_hard "$e" ;; "Max processes") say nproc "$c" ;; esac
done 2>/dev/null </proc/self/limits

# The limits of our own control group and of all those above it; they are many lines.
limits() {
    folder=$1/${2#/}
    while :; do
        say "$4" "$(first "$folder/$3")"
        [ "${#folder}" -gt "${#1}" ] || break
        folder=${folder%/*}
    done
}
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    say cgroup_version 2
    say cgroup_controllers "$(first /sys/fs/cgroup/cgroup.controllers)"
else
    [ ! -e /proc/cgroups ] || say cgroup_version 1
    while read -r name _ _ enabled; do
        [ "$enabled" != 1 ] || [ ! -d "/sys/fs/cgroup/$name" ] || say cgroup_controller "$name"
    done 2>/dev/null </proc/cgroups
fi
while IFS=: read -r _ kinds path; do
    case ,$kinds, in
    ,,)
        limits /sys/fs/cgroup "$path" memory.max memory_limit
        limits /sys/fs/cgroup "$path" pids.max pids_limit
        ;;
    *,memory,*) limits /sys/fs/cgroup/memory "$path" memory.limit_in_bytes memory_limit ;;
    *,pids,*) limits /sys/fs/cgroup/pids "$path" pids.max pids_limit ;;
    esac
done 2>/dev/null </proc/self/cgroup

say lsm "$(first /sys/kernel/security/lsm)"
say selinux "$(first /sys/fs/selinux/enforce)"
say apparmor "$(first /sys/module/apparmor/parameters/enabled)"

while read -r address _ _ scope _; do
    case $scope in 00) say ipv6_address global ;; 10) say ipv6_address loopback ;; esac
done 2>/dev/null </proc/net/if_inet6
while read -r interface destination _; do
    [ "$destination" != 00000000 ] || say mtu "$(first "/sys/class/net/$interface/mtu")"
done 2>/dev/null </proc/net/route
while read -r key value rest; do
    case $key in nameserver) say dns "$value" ;; search) say search "$value $rest" ;; esac
done 2>/dev/null </etc/resolv.conf

say locale "${LC_ALL:-${LC_CTYPE:-${LANG:-}}}"
say charmap "$(locale charmap 2>/dev/null)"
say timezone "${TZ:-}"
say timezone "$(first /etc/timezone)"
say timezone_link "$(readlink /etc/localtime 2>/dev/null)"

# These files give all or nothing at one reading, and "read" reads byte by byte.
(
    cd /proc/sys && grep -s . fs/file-max fs/inotify/max_user_instances \
        fs/inotify/max_user_watches fs/nr_open kernel/pid_max kernel/threads-max \
        kernel/unprivileged_userns_clone net/core/somaxconn net/ipv4/ip_forward \
        net/ipv4/ip_unprivileged_port_start net/ipv4/tcp_syncookies \
        net/ipv6/conf/all/disable_ipv6 net/ipv6/conf/all/forwarding user/max_user_namespaces \
        vm/max_map_count vm/overcommit_memory vm/swappiness | tr / . |
        while IFS=: read -r name value; do say "sysctl.$name" "$value"; done
)
for name in bash curl ip iptables nc nft openssl python3 ss sudo systemctl; do
    command -v "$name" >/dev/null 2>&1 && say tool "$name"
done

# The engine's folder may be closed to us; the nearest one above it is on the same disk, mostly.
while [ "$root" != / ] && [ ! -d "$root" ]; do root=$(dirname "$root"); done
say free_disk "$(df -Pk "$root" 2>/dev/null | tail -n 1)"

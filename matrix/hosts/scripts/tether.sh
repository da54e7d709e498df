# The guard on a host. Reads a line at least every $silence seconds and sends it back; when none
# comes, it removes what carries the label $label and ends the processes marked with $token.
# Set before this text: token, label, silence, program, services, engine(), dial(), marked().
# POSIX, nothing on disk.
# Standard output is kept as 3: that of main is a pipe which ends the watch together with main.

# A closed terminal, a lost connection or a logout must not end the guard before its work.
trap '' HUP INT TERM PIPE
unset MATRIX_TETHER

main() {
    # Killed, not ended: what was started after the trap above ignores the gentle signals too.
    while :; do
        line=$(timeout -s KILL "$silence" sh -c 'IFS= read -r line && printf %s "$line"')
        ended=$?
        [ "$ended" -eq 0 ] && [ "$line" != bye ] || break
        printf '%s\n' "$line" >&3
    done
    # Without a farewell a create may still be on its way: look until nothing new turns up.
    if [ "$line" = bye ]; then calm=1; else calm=5; fi
    # Killed by the timeout: nothing came although the line is open, and sshd would keep it so.
    if [ "$ended" -gt 128 ]; then lines=$(our_lines); else lines=; fi
    clean
    for pid in $lines; do
        [ "$(sshd_above "$pid")" != "$pid" ] || kill -9 "$pid" 2>/dev/null
    done
}

clean() {
    end_processes
    round=0
    seen_nothing=0
    while [ "$seen_nothing" -lt "$calm" ] && [ "$round" -lt 40 ]; do
        found=
        # Only a manager has services; what they run on other nodes goes with them.
        [ -z "$services" ] || remove 'service ls' 'service rm' -q
        remove ps 'rm -f -v' -aq
        remove 'network ls' 'network rm' -q
        remove 'volume ls' 'volume rm -f' -q
        if [ -n "$found" ]; then seen_nothing=0; else seen_nothing=$((seen_nothing + 1)); fi
        round=$((round + 1))
        [ "$seen_nothing" -ge "$calm" ] || sleep 1
    done
    end_processes
}

# $1 lists, $2 removes, $3 makes the list one of ids. Unquoted on purpose: words of commands, ids.
remove() {
    ids=$(engine $1 $3 --filter "label=$label" 2>/dev/null)
    [ -n "$ids" ] || return 0
    found=yes
    # Podman would wait for a container to stop by itself.
    [ "$1" != ps ] || engine kill $ids >/dev/null 2>&1
    engine $2 $ids >/dev/null 2>&1
}

end_processes() {
    for file in $(marked "MATRIX_RUN=$token"); do
        pid=${file#/proc/}
        pid=${pid%/environ}
        if { tr '\0' '\n' <"$file"; } 2>/dev/null | grep -qxF "MATRIX_RUN=$token"; then
            kill -9 "$pid" 2>/dev/null
        fi
    done
}

# Prints the sshd of every session that our connection to this host has. MATRIX_LINK, which tells
# them from those of others, is not set on the machine the runner is on.
our_lines() {
    [ -n "$MATRIX_LINK" ] || return 0
    for file in $(marked "MATRIX_LINK=$MATRIX_LINK"); do
        pid=${file#/proc/}
        sshd_above "${pid%/environ}"
    done | sort -u
}

# Prints the nearest process named sshd from $1 upwards.
sshd_above() {
    pid=$1
    while [ "${pid:-1}" -gt 1 ]; do
        { IFS= read -r stat <"/proc/$pid/stat"; } 2>/dev/null || return 0
        case ${stat#*\(} in sshd*) printf '%s\n' "$pid" && return 0 ;; esac
        # The second field, in parentheses, may hold spaces: all is counted from its end.
        rest=${stat##*\) }
        rest=${rest#* }
        pid=${rest%% *}
    done
}

# The engine's events until they end, which they do with the engine, or with the input.
watch() {
    filters="%7B%22label%22%3A%5B%22$label%22%5D%7D"
    {
        printf 'GET /events?filters=%s HTTP/1.1\r\nHost: engine\r\n\r\n' "$filters"
        cat
    } | dial 2>/dev/null | {
        IFS= read -r status
        case $status in
        *' 200 '*)
            cat >/dev/null
            printf 'engine-lost\n' >&3
            ;;
        esac
    }
}

for tool in "$program" timeout grep tr; do
    command -v "$tool" >/dev/null || { printf 'missing %s\n' "$tool" && exit; }
done
if said=$(engine ps -q --filter "label=$label" 2>&1); then
    printf 'ready\n'
    exec 3>&1
    main | watch
else
    printf 'refused %s\n' "$(printf %s "$said" | tr '\n' ' ')"
fi

# Kill every process that carries $token in its environment, and the descendants of those.
# Set before this text: token, done, marked(). Prints the pids that would not die.
family() {
    all=" $* "
    grown=yes
    while [ -n "$grown" ]; do
        grown=
        for stat in /proc/[0-9]*/stat; do
            # The second field, in parentheses, may hold spaces: all is counted from its end.
            { read -r line <"$stat"; } 2>/dev/null || continue
            pid=${line%% *}
            rest=${line##*) }
            rest=${rest#* }
            parent=${rest%% *}
            case $all in *" $pid "*) continue ;; esac
            case $all in *" $parent "*) all="$all$pid " grown=yes ;; esac
        done
    done
}
pids() {
    marked "MATRIX_SHELL=$token" | while IFS=/ read -r _ _ pid _; do printf '%s ' "$pid"; done
}
# More than one round: a process may fork while we look.
for round in 1 2 3 4; do
    found=$(pids)
    [ -n "$found" ] || break
    family $found
    kill -9 $all 2>/dev/null
done
printf '%s%s.\n' "$done" "$(pids)"

# Lists the processes of a run. Set before this text: run, verb ("list" or "end"), done, marked().
for file in $(marked "MATRIX_RUN=$run" && marked "MATRIX_TETHER=$run"); do
    # The whole value must fit: one run's id may be the beginning of another's.
    { tr '\0' '\n' <"$file"; } 2>/dev/null |
        grep -qE "^MATRIX_(RUN|TETHER)=$run(\.[0-9a-f]*)?\$" || continue
    pid=${file#/proc/}
    pid=${pid%/environ}
    [ "$pid" != "$$" ] || continue
    printf '%s %.200s\n' "$pid" "$({ tr -c '[:print:]' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null)"
    [ "$verb" != end ] || kill -9 "$pid"
done
printf '%s\n' "$done"

# Lists the files /proc/<pid>/environ that hold the text $1. Busybox's grep -F sees nothing after the
# first NUL byte, so there each file is taken apart first.
marked() {
    if printf 'a\000b\n' | grep -qF b; then
        grep -lF -e "$1" /proc/[0-9]*/environ 2>/dev/null
        return 0
    fi
    for file in /proc/[0-9]*/environ; do
        { tr '\0' '\n' <"$file"; } 2>/dev/null | grep -qF -e "$1" && printf '%s\n' "$file"
    done
    return 0
}

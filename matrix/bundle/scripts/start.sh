#!/bin/sh
# A kit of compat-matrix. This part can be read: it checks that the file is whole, unpacks what
# it needs into a private folder, starts it, and removes the folder afterwards.
# The rest of the file is a zip archive: look into it with `unzip -l`.
set -eu
umask 077
kit=$0
images_at=@IMAGES_AT@
images_bytes=@IMAGES_BYTES@
# Of the image the runner can run in: its description, and its layers among those of all images.
runner_image=@RUNNER_IMAGE@
head_at=@HEAD_AT@
head_bytes=@HEAD_BYTES@
layers_at=@LAYERS_AT@
layers_bytes=@LAYERS_BYTES@

say() { printf 'matrix: %s\n' "$*" >&2; }
# Ends with the code $1, for the reason that follows.
refuse() { code=$1 && shift && say "$*" && exit "$code"; }

check_file() {
    [ -f "$kit" ] && [ -r "$kit" ] || refuse 2 "start this file by its name: sh FILE preflight"
    kit=$(cd "$(dirname -- "$kit")" && pwd)/${kit##*/}
    bytes=$(($(wc -c <"$kit")))
    wanted=$(tail -c 64 "$kit")
    found=$(head -c $((bytes - 64)) "$kit" | sha256sum) ||
        refuse 2 "sha256sum is needed and does not run"
    [ "${found%% *}" = "$wanted" ] ||
        refuse 6 "this file is damaged or was changed: ask for it again"
}

usage() {
    cat >&2 <<END
Usage: sh ${kit##*/} preflight [--facts-only] [--yes] [--engine-socket PATH] [--out FOLDER]

Checks on this machine whether the services in this file work here. Nothing is installed, nothing
is sent. --facts-only starts no service; --help says more where CPython 3.11, 3.12 or 3.13 is.
END
    exit "$1"
}

# Whether the words ask for something that needs an engine; finds out what they name.
read_words() {
    agreed='' named='' measures='' next='' keeps=yes
    [ "${1:-}" != preflight ] || measures=yes
    for word in "$@"; do
        [ -z "$next" ] || { named=$word next=''; }
        case $word in
        --yes) agreed=yes ;;
        --facts-only) keeps='' ;;
        --engine-socket) next=yes ;;
        --engine-socket=*) named=${word#*=} ;;
        --help | -h | --show | --requirements) measures='' ;;
        esac
    done
    case $named in '' | /*) ;; *) named=$PWD/$named ;; esac
}

# Makes a private folder in the first place where there may be one and programs run in it.
make_folder() {
    for place in "${TMPDIR:-/tmp}" "${TMPDIR:-/var/tmp}" "${TMPDIR:-${HOME:-/tmp}}"; do
        folder=$(mktemp -d "$place/mx-kit-XXXXXX" 2>/dev/null) || continue
        if printf '#!/bin/sh\n' 2>/dev/null >"$folder/try" && chmod 700 "$folder/try" &&
            "$folder/try" 2>/dev/null; then
            rm "$folder/try"
            return
        fi
        rm -rf "$folder"
    done
    refuse 2 "no folder for temporary files can be used, ${TMPDIR:-/tmp} neither: it must be" \
        "writable, have room and let programs run (not noexec); name one in TMPDIR"
}

is_good='import platform, sys
v = sys.version_info[:2]
sys.exit(not ((3, 11) <= v <= (3, 13) and platform.python_implementation() == "CPython"))'

# Starts this file in Python, where that can open it; what else it says would be a trace.
starts='import runpy, sys, zipimport
sys.argv = sys.argv[1:]
try:
    zipimport.zipimporter(sys.argv[0]).get_code("__main__")
except Exception:
    sys.stderr.write("matrix: this file does not hold what the runner needs: ask for it again\n")
    sys.exit(6)
runpy.run_path(sys.argv[0], run_name="__main__")'

find_python() {
    for python in ${MATRIX_PYTHON:+"$MATRIX_PYTHON"} python3.13 python3.12 python3.11 python3; do
        ! "$python" -I -c "$is_good" >/dev/null 2>&1 || return 0
        [ "$python" != "${MATRIX_PYTHON:-}" ] || break
    done
    python=''
}

# The engine's own program, told which socket to use whatever the account's settings are.
# It does not hold the line to the guard, see there.
engine() {
    case $program in
    podman) podman --url "unix://$socket" "$@" 9>&- ;;
    *) docker -H "unix://$socket" "$@" 9>&- ;;
    esac
}

# Whether an engine takes our words at $socket; without its program we cannot tell and hope.
answers() {
    [ -S "$socket" ] && [ -w "$socket" ] || return 1
    ! command -v "$program" >/dev/null || engine version >/dev/null 2>&1
}

# The engine to use: the one that is named, one that listens, or a Podman that we start for it.
find_engine() {
    own_service='' socket=$named
    if [ -n "$named" ]; then
        case ${named##*/} in *podman*) program=podman ;; *) program=docker ;; esac
        return
    fi
    runtime=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
    for socket in /var/run/docker.sock /run/podman/podman.sock "$runtime/docker.sock" \
        "$runtime/podman/podman.sock"; do
        case $socket in *podman.sock) program=podman ;; *) program=docker ;; esac
        ! answers || return 0
    done
    program='' socket=''
    command -v podman >/dev/null || return 0
    program=podman socket=$folder/podman.sock own_service=yes
    [ "${#socket}" -le 100 ] ||
        refuse 2 "the name of the folder for temporary files is too long: set TMPDIR to another"
    say "no engine listens for this account, so Podman's own service is started for this run only," \
        "at $socket"
}

# Removes what is ours when the line to it ends: when neither this shell nor the runner holds it any
# more, however they ended. What is there then it sees by marks in the folder.
guard() {
    if [ -n "$own_service" ]; then
        pauses >"$folder/pauses"
        # In a session of its own: Ctrl-C is for the runner, which still needs it to clean up.
        $(command -v setsid) podman system service --time=0 "unix://$socket" \
            </dev/null >/dev/null 2>"$folder/service.txt" &
        service=$!
    fi
    trap '' INT TERM HUP
    cat "$folder/line" >/dev/null
    remove_container
    if [ -e "$folder/running" ]; then
        say "the runner did not end by itself: removing what it may have left"
        (run_runner sweep) </dev/null >/dev/null || :
        remove_container
    fi
    [ ! -e "$folder/loaded" ] || engine rmi "$runner_image" >/dev/null 2>&1 ||
        say "left here: image $runner_image: $program rmi $runner_image"
    [ "$program" != podman ] || ! command -v podman >/dev/null || end_monitors
    [ -z "$own_service" ] || end_service
    rm -rf "$folder"
}

remove_container() {
    [ -e "$folder/contained" ] || return 0
    # One that runs although nobody attends to it cleans up when it is asked to end.
    engine stop -t 60 "$name" >/dev/null 2>&1 || :
    engine rm -f -v "$name" >/dev/null 2>&1 || :
}

# What Podman keeps for five minutes for each command that ran in a container, though that is gone.
end_monitors() {
    for pid in $(commands_of '*conmon * -n mx-*'); do
        # One in a container that has a Podman of its own is not this Podman's.
        [ "/proc/$pid/ns/pid" -ef /proc/self/ns/pid ] || continue
        container=$(tr '\0' '\n' <"/proc/$pid/cmdline" | sed -n '/^-c$/{n;p;q;}')
        # 1 is Podman's word for one that does not exist: any other failure says nothing.
        answer=0
        engine container exists "$container" >/dev/null 2>&1 || answer=$?
        [ "$answer" -ne 1 ] || kill "$pid" 2>/dev/null || :
    done
}

end_service() {
    kill "$service" 2>/dev/null || :
    wait "$service" 2>/dev/null || :
    # A rootless Podman leaves a process behind that holds its user namespace.
    for pid in $(pauses); do
        grep -qx "$pid" "$folder/pauses" || kill "$pid" 2>/dev/null || :
    done
}

# This account's processes that hold a namespace for Podman.
pauses() { commands_of '*catatonit -P ' && commands_of '*podman pause '; }

# This account's processes whose words are like $1.
commands_of() {
    for process in /proc/[0-9]*; do
        [ -O "$process" ] || continue
        words=$({ tr '\0' ' ' <"$process/cmdline"; } 2>/dev/null) || continue
        case $words in $1) printf '%s\n' "${process#/proc/}" ;; esac
    done
}

start_guard() {
    name=${folder##*/}
    mkfifo "$folder/line"
    guard &
    guard=$!
    exec 9>"$folder/line"
    trap 'exec 9>&-; wait "$guard" || :' EXIT
    [ -n "$own_service" ] || return 0
    tries=0
    until [ -S "$socket" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || refuse 3 "Podman's service does not start:" \
            "$(head -c 500 "$folder/service.txt" | tr '\n' ' ')"
        sleep 0.2
    done
}

# $2 bytes of this file from $1 on.
piece() { tail -c "+$(($1 + 1))" "$kit" 2>/dev/null | head -c "$2"; }

# Says what the container of the runner may do, and asks.
agree_to_container() {
    [ -n "$runner_image" ] || refuse 2 "this kit needs CPython 3.11, 3.12 or 3.13: install one," \
        "or name yours in MATRIX_PYTHON"
    [ -n "$program" ] && command -v "$program" >/dev/null || refuse 3 "this machine has neither" \
        "CPython 3.11, 3.12 or 3.13 nor an engine whose program this account may use: install one"
    case $PWD/ in // | /bin/* | /dev/* | /etc/* | /kit/* | /lib* | /proc/* | /sbin/* | /sys/* | /usr/*)
        refuse 2 "the results cannot be written into $PWD: go to a folder of your own" ;;
    esac
    # Where the secret lies that names become tokens by, so that it is the same the next time.
    [ -z "$keeps" ] || keeps=${XDG_STATE_HOME:-${HOME:-$PWD}/.local/state}/compat-matrix
    case $kit$PWD$folder$keeps in *[,\":]*)
        refuse 2 "a folder's name with a comma, a colon or a quote cannot be given to a container:" \
            "use another" ;;
    esac
    say "there is no CPython 3.11, 3.12 or 3.13 here, so the runner is run in a container:"
    say "- from an image in this file, which $program loads from it; both are removed at the end"
    say "- it gets the engine's socket $socket; no other container does"
    say "- it sees this file, $PWD, its temporary folder $folder${keeps:+, $keeps}" \
        "and what you name after preflight"
    say "- it shares this machine's network, since services are only reached at 127.0.0.1 here"
    [ -z "$agreed" ] || return 0
    [ -t 0 ] || refuse 2 "nobody can be asked here: give --yes to agree to that"
    printf 'matrix: Go on? [y/N] ' >&2
    read -r answer || answer=n
    case $answer in [yY]*) ;; *) refuse 2 "nothing was done" ;; esac
}

load_image() {
    [ -z "$keeps" ] || mkdir -p "$keeps" || refuse 2 "no secret can be kept in $keeps"
    ! engine image inspect "$runner_image" >/dev/null 2>&1 || return 0
    : >"$folder/loaded"
    {
        piece "$head_at" "$head_bytes"
        piece "$((images_at + layers_at))" "$layers_bytes"
        head -c 1024 /dev/zero
    } | engine load >"$folder/load.txt" 2>&1 ||
        refuse 3 "$program does not load the runner's image:" \
            "$(tail -n 3 "$folder/load.txt" | tr '\n' ' ')"
}

# The runner in its container. The engine's options come behind the words at first; then each
# word goes to the end.
run_contained() {
    count=$#
    for word in "$@"; do
        word=${word#--*=}
        [ -e "$word" ] || continue
        if [ -d "$word" ]; then path=$(cd "$word" && pwd); else
            path=$(cd "$(dirname -- "$word")" && pwd)/$(basename -- "$word")
        fi
        case $path/ in "$PWD"/* | "$socket/") continue ;; esac
        set -- "$@" --mount "type=bind,source=$path,target=$path"
    done
    for path in "$PWD" "$folder" "$socket" ${keeps:+"$keeps"}; do
        case $path in "$folder"/* | "$PWD"/*) continue ;; esac
        set -- "$@" --mount "type=bind,source=$path,target=$path"
    done
    [ "${kit#"$PWD"/}" != "$kit" ] ||
        set -- "$@" --mount "type=bind,source=$kit,target=$kit,readonly"
    [ ! -r /etc/os-release ] ||
        set -- "$@" --mount type=bind,source=/etc/os-release,target=/etc/os-release,readonly
    if [ "$(id -u)" = 0 ] || [ "$program" = podman ] ||
        engine info --format '{{.SecurityOptions}}' 2>/dev/null | grep -q rootless; then
        # Without it root may not write into folders of other accounts, as sudo has them.
        set -- "$@" --user 0:0 --cap-add DAC_OVERRIDE
    else
        set -- "$@" --user "$(id -u):$(id -g)" --group-add "$(stat -L -c %g "$socket")"
    fi
    # An engine that maps users gives the machine's network only to those it does not map.
    [ "$program" = podman ] || set -- "$@" --userns host
    ! { [ -t 0 ] && [ -t 1 ]; } || set -- "$@" --tty
    : >"$folder/contained"
    # No limit for memory or processes: the runner takes its own for those of the machine.
    set -- "$@" --interactive --name "$name" --label "io.compat-matrix.kit=$name" --network host \
        --restart no --cap-drop ALL --security-opt no-new-privileges --security-opt label=disable \
        --workdir "$PWD" --env "HOME=$folder" --env "TMPDIR=$folder" \
        --env "MATRIX_ENGINE_SOCKET=$socket" --env "TERM=${TERM:-dumb}" \
        --env "LOGNAME=$(id -un 2>/dev/null || id -u)" \
        ${keeps:+--env "XDG_STATE_HOME=${keeps%/*}"} "$runner_image" \
        python3 -I -c "$starts" "$kit" --kit-folder "$folder" /kit
    while [ "$count" -gt 0 ]; do
        set -- "$@" "$1"
        shift
        count=$((count - 1))
    done
    engine run "$@"
}

run_runner() {
    if [ -n "$python" ]; then run_here "$@"; else run_contained "$@"; fi
}

run_here() {
    [ -z "$own_service" ] || export MATRIX_ENGINE_SOCKET="$socket"
    exec "$python" -I -c "$starts" "$kit" --kit-folder "$folder" "$folder/library" "$@"
}

# Runs the runner, tells it of signals, and sets code.
attend() {
    : >"$folder/running"
    # It holds the line to the guard too, under a number that nothing here closes.
    run_runner "$@" <&0 8>&9 &
    child=$!
    trap 'pass INT' INT
    trap 'pass TERM' TERM
    trap 'pass HUP' HUP
    while :; do
        code=0
        wait "$child" || code=$?
        kill -0 "$child" 2>/dev/null || break
    done
    # A signal that came as the runner ended hides its code, which can still be asked for then.
    again=0
    wait "$child" 2>/dev/null || again=$?
    [ "$again" -eq 127 ] || code=$again
    case $code in
    [0-6] | 129 | 130 | 143) rm "$folder/running" ;;
    *) say "the runner ended in a way it never should ($code)" && code=70 ;;
    esac
}

pass() {
    if [ -n "$python" ]; then
        kill -s "$1" "$child" 2>/dev/null || :
    else
        engine kill -s "$1" "$name" >/dev/null 2>&1 || :
    fi
}

main() {
    check_file
    read_words "$@"
    find_python
    [ -n "$python$measures" ] || case ${1:-} in
    '') usage 2 ;;
    preflight | --help | -h) usage 0 ;;
    *) say "there is no command $1" && usage 2 ;;
    esac
    make_folder
    trap 'rm -rf "$folder"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    trap 'exit 129' HUP
    own_service='' program='' socket=''
    [ -z "$measures" ] || find_engine
    [ -n "$python" ] || agree_to_container
    start_guard
    [ -n "$python" ] || load_image
    attend "$@"
    exit "$code"
}

main "$@"

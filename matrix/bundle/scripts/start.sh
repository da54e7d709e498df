#!/bin/sh
# A kit of compat-matrix. This part can be read: it checks that the file is whole, unpacks what
# it needs into a private folder, starts it, and removes the folder afterwards.
# The rest of the file is a zip archive: look into it with `unzip -l`.
set -eu
umask 077
kit=$0
images_at=@IMAGES_AT@
images_bytes=@IMAGES_BYTES@
runner_image=@RUNNER_IMAGE@

say() { printf 'matrix: %s\n' "$*" >&2; }
refuse() { say "$*"; exit 6; }

bytes=$(($(wc -c <"$kit")))
wanted=$(tail -c 64 "$kit")
found=$(head -c $((bytes - 64)) "$kit" | sha256sum) || refuse "sha256sum is needed and does not run"
[ "${found%% *}" = "$wanted" ] || refuse "this file is damaged or was changed: ask for it again"

is_good='import platform, sys
v = sys.version_info[:2]
sys.exit(not ((3, 11) <= v <= (3, 13) and platform.python_implementation() == "CPython"))'

folder=$(mktemp -d "${TMPDIR:-/tmp}/mx-kit-XXXXXX")
trap 'rm -rf "$folder"' EXIT
# The runner is told of signals too, and cleans up; this shell waits for it.
trap : INT TERM HUP

for python in ${MATRIX_PYTHON:-python3.13 python3.12 python3.11 python3}; do
    if "$python" -I -c "$is_good" >/dev/null 2>&1; then
        set +e
        "$python" -I "$kit" --kit-folder "$folder" "$@"
        exit $?
    fi
done
say "this kit needs CPython 3.11, 3.12 or 3.13: install one, or name yours in MATRIX_PYTHON"
exit 2

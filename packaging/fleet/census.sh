#!/bin/sh
# A census of what programs allocate when they only tell their version. docs/fleet.md
#
# census.sh list [COUNT]   so many programs of /usr/bin, spread over all that are there
# census.sh one PROGRAM    its places, into NAME.csv in the current folder
set -eu
brkpoint=${BRKPOINT:-brkpoint}

list() {
    # Programs, no scripts; and none that runs as somebody else, for that cannot be recorded.
    find "${PROGRAMS:-/usr/bin}" -maxdepth 1 -type f -perm -1 ! -perm /6000 | LC_ALL=C sort |
        while read -r program; do
            [ "$(head -c 4 "$program" | tail -c 3)" != ELF ] || echo "$program"
        done |
        awk -v wanted="$1" '{ all[NR] = $0 }
            END { for (i = 0; i < wanted && i < NR; i++)
                print all[1 + int(i * (NR > wanted ? NR / wanted : 1))] }'
}

one() {
    name=${1##*/}
    trace=$(pwd)/$name.brkpoint
    empty=$(mktemp -d) # what writes files where it is writes them there
    trap 'rm -rf "$empty" "$trace"' EXIT
    status=0
    (cd "$empty" && "$brkpoint" --quiet --keep totals --timeout 10 -o "$trace" "$1" --version) \
        </dev/null >/dev/null 2>"$name.err" || status=$?
    if ! "$brkpoint" export "$trace" --format csv --sites -o "$name.csv" 2>>"$name.err"; then
        echo "$1: $status: $(tail -n 1 "$name.err")" >&2
        exit 1
    fi
    rm "$name.err"
}

case ${1:-} in
list) list "${2:-200}" ;;
one) one "${2:?PROGRAM}" ;;
*)
    echo "usage: census.sh list [COUNT] | one PROGRAM" >&2
    exit 2
    ;;
esac

#!/bin/sh
# One look at a running process, sent to a profile store: look.sh PID URL [SECONDS]. docs/fleet.md
#
# FROM and UNTIL in URL become the times of the look. The profile is the body of a POST, or with
# FORM=profile that field of a form.
set -eu
[ $# -ge 2 ] || {
    echo "usage: look.sh PID URL [SECONDS]" >&2
    exit 2
}
pid=$1 url=$2 seconds=${3:-10}
brkpoint=${BRKPOINT:-brkpoint}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
from=$(date +%s)
"$brkpoint" -p "$pid" --for "${seconds}s" --keep totals --quiet -o "$folder/look.brkpoint"
"$brkpoint" export "$folder/look.brkpoint" --format pprof -o "$folder/look.pb.gz" 2>/dev/null
url=$(printf '%s' "$url" | sed "s/FROM/$from/; s/UNTIL/$(date +%s)/")
if [ -n "${FORM:-}" ]; then
    set -- -F "$FORM=@$folder/look.pb.gz"
else
    set -- -H 'Content-Type: application/octet-stream' --data-binary "@$folder/look.pb.gz"
fi
curl -fsS --max-time 60 "$@" "$url"

#!/bin/sh
# Makes the library of the page from npm: reports/page/vendor/build.sh OUTPUT. The lock file says by
# its hashes what is taken; npm's scripts are not run.
set -eu
[ $# -eq 1 ] || { echo "usage: build.sh OUTPUT" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp "$here/package.json" "$here/package-lock.json" "$here/entry.js" "$folder"
(cd "$folder" && timeout --foreground -k 5 120 npm ci --ignore-scripts --no-audit --no-fund \
    --fetch-retries=1 --fetch-timeout=20000 --silent)
cmp "$folder/node_modules/d3-array/LICENSE" "$here/LICENSE-d3-array"
(cd "$folder" && node_modules/.bin/esbuild entry.js --bundle --format=iife --global-name=d3 \
    --charset=utf8 --log-level=warning --outfile=bundle.js)
{
    echo "// d3-array: https://github.com/d3/d3-array"
    sed 's|^|// |; s| *$||' "$here/LICENSE-d3-array"
    cat "$folder/bundle.js"
} >"$folder/whole.js"
cp "$folder/whole.js" "$1"

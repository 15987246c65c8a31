#!/bin/sh
# Builds the benchmark, with each peer that can be had here; what cannot is named in skipped.txt.
#
#   evaluator/bench/build.sh PROGRAM LIBMEXE     from the top folder; CC, CXX and CARGO: others
set -u
program=$1 library=$2
parts=$program.parts
bench=evaluator/bench
flags='-O2 -g -Wall -Wextra -Ievaluator -Ievaluator/bench'
have='' more='' linker=${CC:-gcc}

skip() { echo "skipped: $1" >>"$parts/skipped.txt"; }

# A C++ library of Debian's: NAME LIBRARY CONDITION.
# shellcheck disable=SC2086 # flags are words
add_library() {
    if ! ${CXX:-g++} $flags -c -o "$parts/$1.o" "$bench/$1.cc" 2>"$parts/$1.log"; then
        skip "$2: apt-get install lib$2-dev"
        return
    fi
    have="$have -D$3" more="$more $parts/$1.o -l$2" linker=${CXX:-g++}
}

# The crate mexe itself: cargo fetches and builds it, where there is a cargo that can.
add_original() {
    target=$(realpath "$parts")/original
    if ! (cd "$bench/original" && CARGO_NET_RETRY=0 CARGO_HTTP_TIMEOUT=10 \
        timeout 120 "${CARGO:-cargo}" build --release --target-dir "$target") >"$parts/cargo.log" 2>&1; then
        skip "the original (crate mexe): no cargo here, or it could not get it ($parts/cargo.log)"
        return
    fi
    have="$have -DHAVE_ORIGINAL" more="$more $target/release/liboriginal.a -lpthread -ldl"
}

mkdir -p "$parts"
: >"$parts/skipped.txt"
add_library peer_fparser fparser HAVE_FPARSER
add_library peer_muparser muparser HAVE_MUPARSER
add_original
objects=''
for source in "$bench"/*.c; do
    object=$parts/$(basename "$source" .c).o
    # shellcheck disable=SC2086
    ${CC:-gcc} $flags $have -c -o "$object" "$source" || exit 1
    objects="$objects $object"
done
# shellcheck disable=SC2086
$linker -o "$program" $objects "$library" $more -lm

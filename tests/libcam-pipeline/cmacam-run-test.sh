#!/bin/sh
# SPDX-License-Identifier: MIT
# cmacam-run: exit status, messages, preload for one command, version checks.

run=$1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failures=0

# expect NAME STATUS TEXT COMMAND...: the exit status, and TEXT in the output
expect() {
	name=$1 status=$2 text=$3
	shift 3
	output=$("$@" 2>&1)
	got=$?
	lines=$(printf '%s\n' "$output" | wc -l)
	if [ "$got" != "$status" ] || ! printf '%s\n' "$output" | grep -q -- "$text"; then
		echo "FAIL $name: status $got, output: $output"
		failures=$((failures + 1))
	else
		echo "ok $name"
	fi
}

expect help 0 'usage: cmacam-run COMMAND' "$run" --help
expect no-command 2 'no command given' "$run"
expect unknown-option 2 "unknown option '--nonsense'" "$run" --nonsense
expect not-found 127 "'no-such-command' not found" "$run" no-such-command
expect status 7 '' "$run" sh -c 'exit 7'
expect separator 3 '' "$run" -- sh -c 'exit 3'
expect arguments 0 '^a b|c$' "$run" sh -c 'printf "%s|%s\n" "$@"' sh 'a b' c
expect preload 0 'libcmacam-pipeline.so' "$run" sh -c 'echo $LD_PRELOAD'
expect keeps-preload 0 'libcmacam-pipeline.so:libc.so.6$' \
	env LD_PRELOAD=libc.so.6 "$run" sh -c 'echo $LD_PRELOAD'

# Another patch level of the same soname: a copy under its name.
real=$(ldd "$(dirname "$run")/libcmacam-pipeline.so" |
	sed -n 's/.*libcamera\.so\.[^ ]* => \([^ ]*\) .*/\1/p')
cp "$(readlink -f "$real")" "$dir/libcamera.so.0.6.99"
ln -s libcamera.so.0.6.99 "$dir/$(basename "$real")"
expect other-version 126 'built for libcamera .*, but 0.6.99 is installed: rebuild it$' \
	env LD_LIBRARY_PATH="$dir" "$run" true
if [ "$lines" != 1 ]; then
	echo "FAIL other-version: $lines lines instead of one sentence"
	failures=$((failures + 1))
fi

# A program that was built for a libcamera with another soname.
later=$dir/later
mkdir "$later"
: >"$dir/empty.c"
echo 'int main(void) { return 0; }' >"$dir/program.c"
cc -shared -Wl,-soname,libcamera.so.99.9 "$dir/empty.c" -o "$later/libcamera.so.99.9"
cc "$dir/program.c" -Wl,--no-as-needed -Wl,-rpath,"$later" "$later/libcamera.so.99.9" -o "$later/program"
expect program-alone 0 '' "$later/program"
expect other-soname 126 "program' uses libcamera.so.99.9, but the handler was built for libcamera.so" "$run" "$later/program"

[ "$failures" = 0 ]

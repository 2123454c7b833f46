#!/bin/sh
# SPDX-License-Identifier: MIT
# add-to-tree.sh: an earlier copy, which somebody may have worked on, is kept. The tree builds all files.

add_to_tree=$1
tree=$(mktemp -d) || exit 1
trap 'rm -rf "$tree"' EXIT
failures=0

mkdir -p "$tree/src/libcamera/pipeline" "$tree/src/ipa"
touch "$tree/src/libcamera/pipeline/meson.build"
for copy in src/libcamera/pipeline/cmacam src/ipa/cmacam; do
	mkdir "$tree/$copy"
	echo mine >"$tree/$copy/work.cpp"
	output=$(sh "$add_to_tree" "$tree" 2>&1)
	status=$?
	if [ "$status" = 1 ] && [ "$output" = "add-to-tree.sh: $tree/$copy is there already: remove it first" ] &&
		[ "$(cat "$tree/$copy/work.cpp")" = mine ]; then
		echo "ok $copy"
	else
		echo "FAIL $copy: status $status, output: $output"
		failures=$((failures + 1))
	fi
	rm -r "$tree/$copy"
done

here=${add_to_tree%/*}
named() {
	if grep -q "'\(.*/\)*${1##*/}'" "$2"; then
		echo "ok ${1##*/}"
	else
		echo "FAIL ${1##*/}: $2 does not name it"
		failures=$((failures + 1))
	fi
}

for file in "$here"/../*.cpp "$here"/../ipa/*.cpp "$here"/*.cpp; do
	named "$file" "$here/meson.build"
done
# The algorithms are linked into libcamera, or are a module.
for file in "$here"/../ipa/*.cpp; do
	named "$file" "$here/ipa/meson.build"
done

[ "$failures" = 0 ]

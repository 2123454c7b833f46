#!/bin/sh
# SPDX-License-Identifier: MIT
# Build the modules with the kernel's own build system, away from the sources.
# usage: build-modules.sh MAKE KERNEL_DIR SOURCE_DIR OUTPUT_DIR [MAKE_VARIABLE...]
set -eu

make=$1
kernel=$2
source=$3
output=$(realpath -m "$4")
shift 4
scripts=$(dirname "$0")
objects=$output/kbuild
config=$objects/.config

mkdir -p "$objects"
modules=$("$scripts/configure.sh" "$kernel" "$source" "$config")

# Headers packages lack the script by which C=1 and C=2 look for sparse, and build
# on without a check; the variable behind C= asks for it all the same.
case " $* " in
*" C=1 "*) set -- "$@" KBUILD_CHECKSRC=1 ;;
*" C=2 "*) set -- "$@" KBUILD_CHECKSRC=2 ;;
esac

"$scripts/kbuild.sh" "$make" "$kernel" "$source" "$objects" \
	CMACAM_CONFIG="$config" "$@"

# Not every kernel has all of them: what an earlier build left goes.
rm -f "$output"/*.ko
for module in $modules; do
	cp "$objects/$module" "$output/"
done

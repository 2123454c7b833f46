#!/bin/sh
# SPDX-License-Identifier: MIT
# Build a module of the project from its own sources with a header of this folder that comes before each of them.
# The module is OUTPUT_DIR/NAME-VARIANT.ko, where NAME is that of the source folder, and VARIANT that of the header; inside
# the kernel it has the name and the symbols of the real one. OPTION is the option of Kconfig that the module has.
# usage: build-variant.sh MAKE KERNEL_DIR SOURCE_DIR OUTPUT_DIR OPTION VARIANT [MAKE_VARIABLE...]
set -eu

make=$1
kernel=$2
source=$3
output=$(realpath -m "$4")
option=$5
variant=$6
shift 6
name=$(basename "$source")
header=$(realpath "$(dirname "$0")/$variant.h")
objects=$output/$variant

"$(dirname "$0")/../../../drivers/media/kbuild.sh" "$make" "$kernel" "$source" "$objects" \
	"$option=m" KCFLAGS="-include $header" "$@"
cp "$objects/$name.ko" "$output/$name-$variant.ko"

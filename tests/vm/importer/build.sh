#!/bin/sh
# SPDX-License-Identifier: MIT
# Build the modules OUTPUT_DIR/test-*.ko with the kernel's own build system.
# usage: build.sh MAKE KERNEL_DIR SOURCE_DIR OUTPUT_DIR [MAKE_VARIABLE...]
set -eu

make=$1
kernel=$2
source=$3
output=$(realpath -m "$4")
shift 4

"$(dirname "$0")/../../../drivers/media/kbuild.sh" "$make" "$kernel" "$source" "$output/objects" "$@"
cp "$output/objects/test-importer.ko" "$output/objects/test-attributes.ko" "$output/"

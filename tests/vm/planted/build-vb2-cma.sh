#!/bin/sh
# SPDX-License-Identifier: MIT
# Build vb2-cma from its own sources with a fault: a header of this folder that comes before each of them.
# The module is OUTPUT_DIR/vb2-cma-FAULT.ko; inside the kernel it has the name and the symbols of the real one.
# usage: build-vb2-cma.sh MAKE KERNEL_DIR SOURCE_DIR OUTPUT_DIR FAULT [MAKE_VARIABLE...]
set -eu

make=$1
kernel=$2
source=$3
output=$(realpath -m "$4")
fault=$5
shift 5
header=$(realpath "$(dirname "$0")/$fault.h")
objects=$output/$fault

"$(dirname "$0")/../../../drivers/media/kbuild.sh" "$make" "$kernel" "$source" "$objects" \
	CONFIG_VIDEOBUF2_CMA=m KCFLAGS="-include $header" "$@"
cp "$objects/vb2-cma.ko" "$output/vb2-cma-$fault.ko"

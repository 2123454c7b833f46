#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the library into a folder of its own and builds a small application
# against it, by pkg-config and by CMake. BUILD-FOLDER SOURCE-FOLDER PREFIX
set -eu
build=$1 source=$2/tests/libcmacam/consumer prefix=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

DESTDIR="$work" meson install -C "$build" --no-rebuild --quiet >"$work/log" 2>&1 || {
	cat "$work/log"
	exit 1
}
root=$work$prefix
libs=$(dirname "$(find "$root" -name libcmacam.so)")
export LD_LIBRARY_PATH="$libs" PKG_CONFIG_PATH="$libs/pkgconfig"
says="cannot look at the dma-buf: Bad file descriptor"

# It lies in a folder of the test's, not where it was installed to.
sed -i "s|^prefix=.*|prefix=$root|" "$libs"/pkgconfig/cmacam*.pc

flags() { pkg-config --cflags --libs "$@"; }
# Word splitting is what flags are made for.
# shellcheck disable=SC2046
c++ -std=c++20 "$source/consumer.cpp" -o "$work/by-pkg-config" $(flags cmacam)
test "$("$work/by-pkg-config")" = "$says"
# The library does not bring libcamera along, cmacam-camera does.
if ldd "$work/by-pkg-config" | grep libcamera; then exit 1; fi
# shellcheck disable=SC2046
c++ -std=c++20 -DWITH_CAMERA "$source/consumer.cpp" -o "$work/camera" $(flags cmacam-camera)
test "$("$work/camera")" = "$says"

# The program that stands in the README, by the command that stands there, as in ./dev shell: nothing is installed.
readme=$2/libcmacam/README.md
command=$(sed -n 's/.*(`\(c++ [^`]* count_people.cpp [^`]*\)`.*/\1/p' "$readme")
sed -n '/^```cpp/,/^```$/{/^```cpp/d;/^```$/q;p}' "$readme" >"$work/count_people.cpp"
(
	unset LD_LIBRARY_PATH
	eval "$(grep -E '^export (PKG_CONFIG_PATH|LD_RUN_PATH)=' "$2/tools/guest/init")"
	cd "$work"
	# OpenCV's headers warn.
	sh -eu -c "$command" 2>log || {
		cat log
		exit 1
	}
	if ./a.out >said 2>&1 || ! grep -q "^there is no camera$" said; then
		cat said
		exit 1
	fi
)

cmake -S "$source" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$root" >"$work/log" 2>&1 &&
	cmake --build "$work/cmake" >>"$work/log" 2>&1 || {
	cat "$work/log"
	exit 1
}
test "$("$work/cmake/consumer")" = "$says"
test "$("$work/cmake/camera-consumer")" = "$says"
printf 'cmake_minimum_required(VERSION 3.20)\nproject(later CXX)\nfind_package(cmacam 0.2 REQUIRED)\n' >"$work/CMakeLists.txt"
if cmake -S "$work" -B "$work/later" -DCMAKE_PREFIX_PATH="$root" >"$work/log" 2>&1; then exit 1; fi
grep -q "cmacam-config.cmake, version: 0.1" "$work/log"

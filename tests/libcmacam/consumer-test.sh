#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the library into a folder of its own and builds a small application
# against it, by pkg-config and by CMake. BUILD-FOLDER SOURCE-FOLDER PREFIX
# Compilers take nearly all of the time. So the ways run side by side, in the same folder each time, and compile and
# link in two steps: ccache knows the objects then, where nothing has changed.
set -eu
build=$1 source=$2/tests/libcmacam/consumer prefix=$3
work=$build/consumer-test
rm -rf "$work"
mkdir "$work"
if ccache=$(command -v ccache); then
	mkdir "$work/bin"
	ln -s "$ccache" "$work/bin/c++"
	export PATH="$work/bin:$PATH"
fi

DESTDIR="$work" meson install -C "$build" --no-rebuild --quiet >"$work/log" 2>&1 || {
	cat "$work/log"
	exit 1
}
root=$work$prefix
libs=$(dirname "$(find "$root" -name libcmacam.so)")
export LD_LIBRARY_PATH="$libs" PKG_CONFIG_PATH="$libs/pkgconfig"
says="cannot inspect the dma-buf: Bad file descriptor"

# It lies in a folder of the test's, not where it was installed to.
sed -i "s|^prefix=.*|prefix=$root|" "$libs"/pkgconfig/cmacam*.pc

# 0.2 of 0.2.0, and the one after it, which is not there.
version=$(pkg-config --modversion cmacam)
series=${version%.*}
next=${series%.*}.$((${series#*.} + 1))

# PACKAGE PROGRAM [OPTION...]
build_by_pkg_config() {
	package=$1 program=$work/$2
	shift 2
	# Word splitting is what flags are made for.
	# shellcheck disable=SC2046
	c++ -std=c++20 "$@" -c "$source/consumer.cpp" -o "$program.o" $(pkg-config --cflags "$package")
	# shellcheck disable=SC2046
	c++ "$program.o" -o "$program" $(pkg-config --libs "$package")
	test "$("$program")" = "$says"
}

by_pkg_config() {
	build_by_pkg_config cmacam by-pkg-config
	# The library does not bring libcamera along, cmacam-camera does.
	if ldd "$work/by-pkg-config" | grep libcamera; then exit 1; fi
	build_by_pkg_config cmacam-camera camera -DWITH_CAMERA
}

# The program that stands in the README, by the command that stands there, as in ./dev shell: nothing is installed.
checkout=$2
by_readme() {
	readme=$checkout/libcmacam/README.md
	command=$(sed -n 's/.*(`\(c++ [^`]* count_people.cpp [^`]*\)`.*/\1/p' "$readme")
	mkdir "$work/readme"
	cd "$work/readme"
	sed -n '/^```cpp/,/^```$/{/^```cpp/d;/^```$/q;p}' "$readme" >count_people.cpp
	unset LD_LIBRARY_PATH
	eval "$(grep -E '^export (PKG_CONFIG_PATH|LD_RUN_PATH)=' "$checkout/tools/guest/init")"
	case $command in *" count_people.cpp "*) ;; *) echo "no command in $readme"; exit 1 ;; esac
	# OpenCV's headers warn.
	for step in "-c count_people.cpp -o count_people.o" count_people.o; do
		sh -eu -c "${command%% count_people.cpp *} $step ${command#* count_people.cpp }" 2>log || {
			cat log
			exit 1
		}
	done
	if ./a.out >said 2>&1 || ! grep -q "^No camera found: " said; then
		cat said
		exit 1
	fi
}

by_cmake() {
	cmake -S "$source" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$root" -DCMACAM_SERIES="$series" >"$work/log" 2>&1 &&
		cmake --build "$work/cmake" >>"$work/log" 2>&1 || {
		cat "$work/log"
		exit 1
	}
	test "$("$work/cmake/consumer")" = "$says"
	test "$("$work/cmake/camera-consumer")" = "$says"
	mkdir "$work/later"
	printf 'cmake_minimum_required(VERSION 3.20)\nproject(later CXX)\nfind_package(cmacam %s REQUIRED)\n' "$next" >"$work/later/CMakeLists.txt"
	if cmake -S "$work/later" -B "$work/later/build" -DCMAKE_PREFIX_PATH="$root" >"$work/log" 2>&1; then exit 1; fi
	grep -qF "cmacam-config.cmake, version: $version" "$work/log"
}

by_readme &
readme=$!
by_cmake &
cmake=$!
by_pkg_config
wait "$readme"
wait "$cmake"

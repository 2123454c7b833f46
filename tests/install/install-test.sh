#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs everything into an empty folder, compares the files with the list, uses them from there (a small application by
# pkg-config and by CMake, the Python module, the GStreamer element), and uninstalls them.
# BUILD-FOLDER SOURCE-FOLDER PREFIX LIBDIR VERSION
# Compilers take nearly all of the time. So the ways to build the application run side by side, in the same folder each
# time, and compile and link in two steps: ccache knows the objects then, where nothing has changed.
set -eu
build=$1 checkout=$2 prefix=$3 libdir=$4 version=$5
here=$checkout/tests/install
source=$here/consumer
work=$build/install-test
rm -rf "$work"
mkdir -p "$work/files"
if ccache=$(command -v ccache); then
	mkdir "$work/bin"
	ln -s "$ccache" "$work/bin/c++"
	export PATH="$work/bin:$PATH"
fi
series=${version%.*}

# quietly COMMAND...: its output only if it fails
quietly() {
	"$@" >"$work/log" 2>&1 || {
		cat "$work/log"
		exit 1
	}
}

fail() {
	echo "$1"
	exit 1
}

DESTDIR="$work/files" quietly meson install -C "$build" --no-rebuild
root=$work/files$prefix
libs=$root/$libdir

# The list, and nothing else.
suffix=$(python3 -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')
grep -v '^#' "$here/files.txt" | sed -n 's/^[^ ]* //p' |
	sed "s|^LIBDIR|$libdir|; s|EXT$|$suffix|; s|VERSION|$version|; s|SERIES|$series|" | LC_ALL=C sort >"$work/wanted"
(cd "$root" && find . ! -type d | sed 's|^\./||' | LC_ALL=C sort) >"$work/found"
diff -u "$work/wanted" "$work/found" || fail "the installed files (+) differ from tests/install/files.txt (-)"
elsewhere=$(find "$work/files" ! -type d ! -path "$root/*")
[ -z "$elsewhere" ] || fail "installed outside the prefix: $elsewhere"

# Nothing knows the build folder: libraries are found where the system looks, the handler where it was installed to.
paths=$(find "$root" -type f -exec readelf -d {} + 2>/dev/null | grep -E 'R(UN)?PATH' || true)
[ -z "$paths" ] || fail "installed files have run paths: $paths"
grep -qx "handler=$prefix/$libdir/libcmacam-pipeline.so" "$root/bin/cmacam-run" || fail "cmacam-run has another handler"
grep -qx "prefix=$prefix" "$libs/pkgconfig/cmacam.pc" || fail "cmacam.pc has another prefix"

# The system has none of these files. So the next steps tell each program where to look.
export LD_LIBRARY_PATH="$libs" PKG_CONFIG_PATH="$libs/pkgconfig"
says="cannot inspect the dma-buf: Bad file descriptor"

sed -i "s|^prefix=.*|prefix=$root|" "$libs"/pkgconfig/cmacam*.pc

[ "$(pkg-config --modversion cmacam)" = "$version" ] || fail "cmacam.pc has another version than $version"
# The series after this one, which is not there.
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

# Both modules are looked for in nothing but the installed files.
by_python() {
	cd "$work"
	PYTHONPATH=$root/lib/python3/dist-packages python3 -B -P -c '
import importlib.metadata, sys
import cmacam
assert cmacam.__file__.startswith(sys.argv[1] + "/"), cmacam.__file__
assert importlib.metadata.version("cmacam") == sys.argv[2], importlib.metadata.version("cmacam")
cmacam.Camera, cmacam.FrameServer' "$root" "$version"
}

by_gstreamer() {
	GST_PLUGIN_SYSTEM_PATH_1_0='' GST_PLUGIN_PATH_1_0=$libs/gstreamer-1.0 GST_REGISTRY_1_0=$work/registry.bin \
		gst-inspect-1.0 cmacamsrc >"$work/gst-log" 2>&1 || {
		cat "$work/gst-log"
		exit 1
	}
	grep -q "Filename  *$libs/gstreamer-1.0/libgstcmacam.so" "$work/gst-log" || fail "another plugin: $(cat "$work/gst-log")"
}

by_readme &
readme=$!
by_cmake &
cmake=$!
by_pkg_config
(by_python)
by_gstreamer
wait "$readme"
wait "$cmake"

quietly ninja -C "$build" uninstall
left=$(find "$work/files" -mindepth 1)
[ -z "$left" ] || fail "ninja uninstall left $left"

#!/bin/sh
# SPDX-License-Identifier: MIT
# Last step of the root folder's layer for reference pages, run inside it: kernel-doc, which no package but the
# kernel's whole source ships. Its newest version will do.
set -eu

cd /usr/src
apt-get download "$(apt-cache depends linux-source | sed -n 's/^ *Depends: //p' | head -n 1)"
mkdir -p kernel-doc
dpkg-deb --fsys-tarfile linux-source-*.deb | tar -xO --wildcards '*/linux-source-*.tar.xz' |
	tar -C kernel-doc -xJ --strip-components 1 --wildcards '*/tools/docs/kernel-doc' '*/tools/lib/python/*'
rm -f linux-source-*.deb

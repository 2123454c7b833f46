#!/bin/sh
# SPDX-License-Identifier: MIT
# Last step of the root folder's second layer, run inside it: what is not a plain package.
set -eu

# checkpatch.pl, which no package but the kernel's whole source ships. Its newest version will do.
cd /usr/src
kv=$(sed -n 's/^kernel //p' /etc/cmacam-versions)
wanted=linux-source-${kv%%.*}.$(echo "$kv" | cut -d. -f2)
apt-cache show "$wanted" >/dev/null 2>&1 ||
	wanted=$(apt-cache depends linux-source | sed -n 's/^ *Depends: //p' | head -n 1)
apt-get download "$wanted"
mkdir -p checkpatch
dpkg-deb --fsys-tarfile linux-source-*.deb | tar -xO --wildcards '*/linux-source-*.tar.xz' |
	tar -C checkpatch -xJ --strip-components 2 --wildcards \
		'*/scripts/checkpatch.pl' '*/scripts/spelling.txt' '*/scripts/const_structs.checkpatch'
rm -f linux-source-*.deb

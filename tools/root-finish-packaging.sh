#!/bin/sh
# SPDX-License-Identifier: MIT
# Last step of the root folder's layers for Debian packages, run inside it: these layers may be newer than those below them.
set -eu
have=$(sed -n 's/^libcamera //p' /etc/cmacam-versions)
now=$(dpkg-query -W -f '${Version}\n' 'libcamera-dev:*' | sed 's/-[^-]*$//')
# The handler needs the source of the same version.
[ "$now" = "$have" ] || {
	echo "Debian has libcamera $now now, and this root folder has the source of $have: run ./dev clean and make it again"
	exit 1
}

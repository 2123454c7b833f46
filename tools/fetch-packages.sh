#!/bin/sh
# SPDX-License-Identifier: MIT
# Fetch what an install of these packages will need, run inside the root folder.
# apt asks a mirror for one package after the other, and most packages are smaller than the wait for an answer: here
# several instances ask at once. What this leaves out, the install fetches.
set -eu

cd /var/cache/apt/archives
# 'URL' NAME_VERSION_ARCHITECTURE.deb SIZE HASH, with the version's colon escaped
apt-get install -qq --print-uris "$@" |
	sed -n "s/^'[^']*' \([^_]*\)_\([^_]*\)_\([^_ ]*\)\.deb .*/\1:\3=\2/p" |
	sed 's/:all=/=/; s/%3a/:/' |
	xargs -r -P 8 -n 40 apt-get download -qq -o APT::Sandbox::User=root

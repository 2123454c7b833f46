#!/bin/sh
# SPDX-License-Identifier: MIT
# Last step of the root folder's third layer, run inside it.
set -eu
qrencode -s 24 -m 4 -o /usr/share/cmacam/code.png 'cmacam sees this'

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The device node of vb2-cma.
 */

#pragma once

namespace cmacam {

inline constexpr const char *kVb2CmaNode = "/dev/vb2-cma";

/**
 * Get the device node of this process. Once open, it stays open until the process
 * ends, for a thread may be using it at any time before that. As long as it cannot be
 * opened, every caller tries: the driver may come later.
 *
 * \return The file descriptor; -1 with errno
 */
int vb2CmaNode();

} /* namespace cmacam */

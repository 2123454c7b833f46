/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The device node of vb2-cma.
 */

#include "vb2_cma_node.h"

#include <atomic>
#include <fcntl.h>
#include <mutex>

namespace cmacam {

int vb2CmaNode()
{
	static std::atomic<int> opened = -1;
	static std::mutex opening;

	if (const int fd = opened.load(std::memory_order_acquire); fd >= 0)
		return fd;

	std::lock_guard lock(opening);
	if (opened.load(std::memory_order_relaxed) < 0)
		opened.store(open(kVb2CmaNode, O_RDWR | O_CLOEXEC), std::memory_order_release);

	return opened.load(std::memory_order_relaxed);
}

} /* namespace cmacam */

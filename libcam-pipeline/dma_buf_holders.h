/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Search for other processes that hold dma-bufs of this process.
 */

#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include <sys/types.h>

#include <libcamera/base/span.h>

namespace libcamera {

/* Identity of a buffer. The identity is the same in every process. */
struct DmaBufId
{
	dev_t device = 0;
	ino_t inode = 0;
	/*
	 * Link target in /proc/PID/fd of each dma-buf of this buffer; empty if the name of
	 * the dma-buf does not identify the buffer
	 */
	std::string link = {};

	bool operator==(const DmaBufId &) const = default;
};

struct DmaBufHolder
{
	pid_t pid;
	std::string name;
	unsigned int buffers;
};

/* Start of the link target in /proc/PID/fd of a file descriptor of a dma-buf. */
inline constexpr char kDmaBufLink[] = "/dmabuf:";

DmaBufId dmaBufId(int fd);
std::vector<DmaBufHolder> dmaBufHolders(Span<const DmaBufId> buffers,
					const std::string &prefix = kDmaBufLink,
					const std::stop_token &stop = {});

} /* namespace libcamera */

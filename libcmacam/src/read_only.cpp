/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Read-only dma-bufs, by the device node of vb2-cma.
 */

#include <cmacam/dma_buf.h>

#include <cerrno>
#include <string>
#include <sys/ioctl.h>

#include <linux/vb2-cma.h>

#include "errno_error.h"
#include "vb2_cma_node.h"

namespace cmacam {

namespace {

constexpr const char *kOperation = "cannot make a read-only dma-buf";

} /* namespace */

Result<UniqueFd> readOnlyDmaBuf(int fd)
{
	const int device = vb2CmaNode();
	if (device < 0) {
		const Error error = fromErrno(std::string(kOperation) + ": " + kVb2CmaNode);
		const bool isFull = error.code == EMFILE || error.code == ENFILE;
		return Error{isFull ? error.code : EOPNOTSUPP, error.what};
	}

	vb2_cma_reader request{};
	request.fd = fd;
	UniqueFd reader(ioctl(device, VB2_CMA_IOC_READER, &request));
	if (reader.isValid())
		return reader;

	switch (errno) {
	case EOPNOTSUPP:
		return Error{EOPNOTSUPP,
			     std::string(kOperation) +
				     ": the buffer belongs to another driver than vb2-cma"};
	case ENOTTY:
		return Error{EOPNOTSUPP,
			     std::string(kOperation) + ": the driver vb2-cma is too old"};
	default:
		return fromErrno(kOperation);
	}
}

} /* namespace cmacam */

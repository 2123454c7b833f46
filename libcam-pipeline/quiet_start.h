/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keeps the requests that the application queues before the hardware of a session runs.
 */

#pragma once

#include <cstddef>
#include <vector>

namespace libcamera {

class Request;

class CmacamQuietStart
{
public:
	void begin(std::size_t wanted);
	bool isWaiting() const { return waiting_; }
	bool add(Request *request);
	std::vector<Request *> end();

private:
	bool waiting_ = false;
	std::size_t wanted_ = 0;
	std::vector<Request *> requests_;
};

} /* namespace libcamera */

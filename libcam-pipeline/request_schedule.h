/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When the controls of a request are to be written.
 */

#pragma once

#include <cstdint>
#include <deque>

namespace libcamera {

class Request;

class CmacamRequestSchedule
{
public:
	void queue(Request *request);
	void dropLast();
	Request *due();

	void frameStarted(uint32_t sequence);
	void frameCompleted(uint32_t sequence);

	/* Whether frameStarted() is going to be called, from now on. */
	void followStarts(bool follow);

	void clear();

private:
	struct Entry
	{
		Request *request;
		bool written;
	};

	bool follows_ = false;
	uint32_t nextSequence_ = 0;

	/* Requests without a finished frame, and frames begun but not finished. */
	std::deque<Entry> pending_;
	std::deque<uint32_t> started_;
};

} /* namespace libcamera */

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Decides when the controls of a request are written to the sensor.
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

	/* The argument follow is true if frameStarted() will be called from now on. */
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

	/* Requests whose frames have not finished */
	std::deque<Entry> pending_;
	/* Sequence numbers of the frames that have begun but not finished */
	std::deque<uint32_t> started_;
};

} /* namespace libcamera */

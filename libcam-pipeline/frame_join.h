/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pairs video buffers with the metadata records of the same frames.
 */

#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include <linux/cmacam.h>

namespace libcamera {

class FrameBuffer;

class CmacamFrameJoin
{
public:
	struct Frame
	{
		FrameBuffer *buffer;
		std::optional<cmacam_frame_meta> record;
	};

	void addBuffer(FrameBuffer *buffer, uint64_t timestamp);
	void addRecord(const cmacam_frame_meta &record, uint64_t timestamp);

	std::optional<Frame> next();
	std::optional<Frame> nextWithoutRecord();
	bool isWaiting() const { return !buffers_.empty(); }

	void clear();

private:
	struct Buffer
	{
		FrameBuffer *buffer;
		uint64_t timestamp;
	};

	struct Record
	{
		cmacam_frame_meta record;
		uint64_t timestamp;
	};

	/* Both in the order in which the hardware finished the frames. */
	std::deque<Buffer> buffers_;
	std::deque<Record> records_;
};

} /* namespace libcamera */

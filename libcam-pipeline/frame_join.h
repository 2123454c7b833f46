/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Joins the parts of one frame: the buffers of both streams and the metadata
 * record.
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
		FrameBuffer *partner; /* nullptr unless setPaired(true) was called */
		uint64_t timestamp;
		uint64_t partnerTimestamp;
		std::optional<cmacam_frame_meta> record;
	};

	void setPaired(bool paired) { paired_ = paired; }

	void addBuffer(FrameBuffer *buffer, uint64_t timestamp);
	void addPartner(FrameBuffer *buffer, uint64_t timestamp);
	void addRecord(const cmacam_frame_meta &record, uint64_t timestamp);

	std::optional<Frame> next();
	std::optional<Frame> nextWithoutRecord();
	bool isWaiting() const { return hasFrame(); }

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

	bool hasFrame() const;
	Frame takeFrame();

	bool paired_ = false;

	/* Each queue keeps the order in which the hardware finished the frames. */
	std::deque<Buffer> buffers_;
	std::deque<Buffer> partners_;
	std::deque<Record> records_;
};

} /* namespace libcamera */

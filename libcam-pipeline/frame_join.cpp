/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pairs video buffers with the metadata records of the same frames.
 */

#include "frame_join.h"

namespace libcamera {

/**
 * \class CmacamFrameJoin
 * \brief Match two queues of finished frames
 *
 * The video node and the metadata node deliver their halves of a frame on two
 * file descriptors, in either order, and each can lose one. V4L2 gives both
 * halves the same sequence number and the same timestamp. The timestamp is the
 * key, because V4L2VideoDevice renumbers the sequences of each node from the
 * first frame that it has seen on that node.
 */

/**
 * \brief A video buffer was filled
 * \param[in] buffer The buffer; never dereferenced here
 * \param[in] timestamp Of the V4L2 buffer
 */
void CmacamFrameJoin::addBuffer(FrameBuffer *buffer, uint64_t timestamp)
{
	buffers_.push_back({buffer, timestamp});
}

/**
 * \brief The record of a frame has arrived
 * \param[in] record The record
 * \param[in] timestamp Of the V4L2 buffer that held the record
 */
void CmacamFrameJoin::addRecord(const cmacam_frame_meta &record, uint64_t timestamp)
{
	records_.push_back({record, timestamp});
}

/**
 * \brief Take the oldest video buffer of which everything is known
 *
 * That is a buffer with its record, or one whose record was lost: the next
 * record then belongs to a later frame.
 *
 * \return The frame, or nothing while the record may still arrive
 */
std::optional<CmacamFrameJoin::Frame> CmacamFrameJoin::next()
{
	if (buffers_.empty())
		return std::nullopt;

	const Buffer head = buffers_.front();

	/* Records without a buffer: nobody is going to ask for them. */
	while (!records_.empty() && records_.front().timestamp < head.timestamp)
		records_.pop_front();

	if (records_.empty())
		return std::nullopt;

	buffers_.pop_front();

	if (records_.front().timestamp != head.timestamp)
		return Frame{head.buffer, std::nullopt};

	Frame frame{head.buffer, records_.front().record};
	records_.pop_front();

	return frame;
}

/**
 * \brief Take the oldest video buffer although its record has not arrived
 * \return The frame, or nothing if no buffer is waiting
 */
std::optional<CmacamFrameJoin::Frame> CmacamFrameJoin::nextWithoutRecord()
{
	if (buffers_.empty())
		return std::nullopt;

	Frame frame{buffers_.front().buffer, std::nullopt};
	buffers_.pop_front();

	return frame;
}

/**
 * \brief Forget everything
 */
void CmacamFrameJoin::clear()
{
	buffers_.clear();
	records_.clear();
}

} /* namespace libcamera */

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Brings together what belongs to one frame: the buffers of both streams and
 * the metadata record.
 */

#include "frame_join.h"

namespace libcamera {

/**
 * \class CmacamFrameJoin
 * \brief Joins the parts of finished frames
 *
 * The video nodes and the metadata node each deliver their part of a frame on
 * a separate file descriptor. The parts of a frame arrive in any order.
 *
 * A record can get lost, and the buffer of a record can get lost, too. V4L2
 * gives all parts of a frame the same sequence number and the same timestamp.
 * The join compares timestamps, because V4L2VideoDevice renumbers the sequences
 * of each node from the first frame that it has seen on that node.
 *
 * If two video nodes are linked, both lose the same frames. So the n-th buffer
 * of the first node and the n-th buffer of the second node are a pair.
 */

/**
 * \brief Add a filled buffer of the main video node
 * \param[in] buffer The buffer, which this class never dereferences
 * \param[in] timestamp Timestamp of the V4L2 buffer
 */
void CmacamFrameJoin::addBuffer(FrameBuffer *buffer, uint64_t timestamp)
{
	buffers_.push_back({buffer, timestamp});
}

/**
 * \brief Add a filled buffer of the linked video node
 * \param[in] buffer The buffer, which this class never dereferences
 * \param[in] timestamp Timestamp of the V4L2 buffer
 */
void CmacamFrameJoin::addPartner(FrameBuffer *buffer, uint64_t timestamp)
{
	partners_.push_back({buffer, timestamp});
}

/**
 * \brief Add the record of a frame
 * \param[in] record The record
 * \param[in] timestamp Timestamp of the V4L2 buffer that contained the record
 */
void CmacamFrameJoin::addRecord(const cmacam_frame_meta &record, uint64_t timestamp)
{
	records_.push_back({record, timestamp});
}

bool CmacamFrameJoin::hasFrame() const
{
	return !buffers_.empty() && (!paired_ || !partners_.empty());
}

CmacamFrameJoin::Frame CmacamFrameJoin::takeFrame()
{
	Frame frame{buffers_.front().buffer, nullptr, buffers_.front().timestamp, 0, std::nullopt};
	buffers_.pop_front();

	if (paired_) {
		frame.partner = partners_.front().buffer;
		frame.partnerTimestamp = partners_.front().timestamp;
		partners_.pop_front();
	}

	return frame;
}

/**
 * \brief Take the oldest frame if no more parts of it can arrive
 *
 * The frame can be taken when its buffers and its record have arrived. If the
 * record of a later frame arrives instead, the record of the oldest frame is
 * lost, and the frame can be taken without a record.
 *
 * \return The frame, or std::nullopt while a part of the frame may still arrive
 */
std::optional<CmacamFrameJoin::Frame> CmacamFrameJoin::next()
{
	if (!hasFrame())
		return std::nullopt;

	/* Records without a buffer: nobody is going to ask for them. */
	const uint64_t timestamp = buffers_.front().timestamp;
	while (!records_.empty() && records_.front().timestamp < timestamp)
		records_.pop_front();

	if (records_.empty())
		return std::nullopt;

	Frame frame = takeFrame();
	if (records_.front().timestamp == timestamp) {
		frame.record = records_.front().record;
		records_.pop_front();
	}

	return frame;
}

/**
 * \brief Take the oldest frame although its record has not arrived
 * \return The frame, or std::nullopt if a buffer of the frame is missing, too
 */
std::optional<CmacamFrameJoin::Frame> CmacamFrameJoin::nextWithoutRecord()
{
	if (!hasFrame())
		return std::nullopt;

	return takeFrame();
}

/**
 * \brief Forget all buffers and records
 */
void CmacamFrameJoin::clear()
{
	buffers_.clear();
	partners_.clear();
	records_.clear();
}

} /* namespace libcamera */

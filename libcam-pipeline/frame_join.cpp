/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Brings together what belongs to one frame: the buffers of both streams and
 * the metadata record.
 */

#include "frame_join.h"

namespace libcamera {

/**
 * \class CmacamFrameJoin
 * \brief Match queues of finished frames
 *
 * The video nodes and the metadata node deliver their parts of a frame on as
 * many file descriptors, in any order.
 *
 * The record can get lost, and so can the buffer that it belongs to. V4L2 gives
 * all parts of a frame the same sequence number and the same timestamp. The
 * timestamp is the key, because V4L2VideoDevice renumbers the sequences of each
 * node from the first frame that it has seen on that node.
 *
 * Linked video nodes lose no frame that the other one does not lose as well:
 * the n-th buffer of one and the n-th of the other are a pair.
 */

/**
 * \brief A buffer of the main video node was filled
 * \param[in] buffer The buffer; never dereferenced here
 * \param[in] timestamp Of the V4L2 buffer
 */
void CmacamFrameJoin::addBuffer(FrameBuffer *buffer, uint64_t timestamp)
{
	buffers_.push_back({buffer, timestamp});
}

/**
 * \brief A buffer of the linked video node was filled
 * \param[in] buffer The buffer; never dereferenced here
 * \param[in] timestamp Of the V4L2 buffer
 */
void CmacamFrameJoin::addPartner(FrameBuffer *buffer, uint64_t timestamp)
{
	partners_.push_back({buffer, timestamp});
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
 * \brief Take the oldest frame of which everything is known
 *
 * That is one whose buffers and record are there, or one whose record was
 * lost: the next record then belongs to a later frame.
 *
 * \return The frame, or nothing while a part of it may still arrive
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
 * \return The frame, or nothing if a buffer of it is missing as well
 */
std::optional<CmacamFrameJoin::Frame> CmacamFrameJoin::nextWithoutRecord()
{
	if (!hasFrame())
		return std::nullopt;

	return takeFrame();
}

/**
 * \brief Forget everything
 */
void CmacamFrameJoin::clear()
{
	buffers_.clear();
	partners_.clear();
	records_.clear();
}

} /* namespace libcamera */

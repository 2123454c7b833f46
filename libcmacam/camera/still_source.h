/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The stills of a Camera: single pictures beside the frames of its other stream.
 */

#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string_view>
#include <vector>

#include <cmacam/frame.h>
#include <cmacam/mapping_pair.h>

#include "camera_session.h"

namespace cmacam {

/**
 * The source of the stills of one Camera.
 *
 * The stills come from the session's stream Stream::Main, which is on demand. For the
 * program, the picture of a still is its stream Stream::Main. Stills keep the source alive
 * after close(). The closed source has only the mappings.
 *
 * Any thread may call any function.
 */
class StillSource final : public FrameSource, public std::enable_shared_from_this<StillSource>
{
public:
	/** @session: the user's share of the stream Stream::Main. */
	explicit StillSource(std::shared_ptr<CameraSession> session);

	/** Maps the buffers, after the session was configured. */
	Result<void> map();
	/** Ends the share of the stream. No capture() may wait then. */
	void close();

	Result<Frame> capture(std::chrono::milliseconds timeout);

	Result<const FrameMapping *> mapping(unsigned int buffer, Stream stream,
					     Access access) override;
	void giveBack(unsigned int buffer) noexcept override;
	std::vector<NamedValue> metadata(unsigned int buffer) const override;
	std::optional<ControlValue> metadatum(unsigned int buffer,
					      std::string_view name) const override;

private:
	Error noStill(const CameraSession &session, std::chrono::milliseconds timeout) const;
	/* The request of a leased still; nullptr after close(). The caller holds open_. */
	const RequestSlot *slotOf(unsigned int buffer) const;

	/* The mappings, and the requests of the leased stills, by buffer. */
	std::vector<MappingPair> pixels_;
	std::vector<const RequestSlot *> slots_;

	/*
	 * Guards session_. A function that uses the session holds this lock shared. close()
	 * holds this lock exclusively.
	 */
	mutable std::shared_mutex open_;
	/* Empty after close(). */
	std::shared_ptr<CameraSession> session_;
};

} /* namespace cmacam */

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The implementation of Camera: leases and policies on top of a CameraSession.
 */

#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <cmacam/camera.h>
#include <cmacam/mapping_pair.h>

#include "automatic_controls.h"
#include "camera_session.h"
#include "ready_event.h"
#include "still_source.h"

namespace cmacam {

/**
 * The streams of one Camera, and the source of its frames.
 *
 * The frames come from the session's stream flow_. The buffer index of a frame is the
 * index of its buffer in this stream. If the program wants a lores stream, the frame also
 * has the lores buffer of the same request. Beside stills, which are full pictures of the
 * session's main stream, the frames come from the session's lores stream. In both cases the
 * program's name of the stream of the frames is Stream::Main.
 * Frames keep the source alive after close(). The closed source has only the
 * mappings and the counts.
 *
 * Any thread may call any function.
 */
class Camera::Source final : public FrameSource,
			     public StreamListener,
			     public std::enable_shared_from_this<Source>
{
public:
	~Source() override { close(); }

	Result<void> open(const CameraOptions &options);
	/**
	 * Closes the camera. A next() that runs in another thread returns EPERM. This
	 * function waits until next() has returned, and then releases the camera.
	 */
	void close();

	const std::string &id() const { return id_; }
	const FrameLayout *layout(Stream stream) const;
	unsigned int buffers() const { return buffers_; }

	Result<void> start();
	Result<void> start(FrameFunction function);
	Result<void> stop();
	Result<Frame> next(std::chrono::milliseconds timeout);
	Result<Frame> capture(std::chrono::milliseconds timeout);
	Result<int> fd();

	Result<void> set(std::span<const NamedValue> controls);
	Result<void> bracket(std::span<const std::vector<NamedValue>> sets);
	std::vector<ControlRange> controls() const;
	CameraStatistics statistics() const;
	std::vector<Holder> holders() const;

	Result<const FrameMapping *> mapping(unsigned int buffer, Stream stream,
					     Access access) override;
	void leaseEnds() noexcept override;
	void giveBack(unsigned int buffer) noexcept override;
	std::vector<NamedValue> metadata(unsigned int buffer) const override;
	std::optional<ControlValue> metadatum(unsigned int buffer,
					      std::string_view name) const override;

	bool frameArrived(const CameraSession::Arrival &arrival) override;
	void report() override;

private:
	/*
	 * The request and the lores buffer of a leased frame. The index in lent_ is the
	 * buffer of the stream flow_.
	 */
	struct Lent
	{
		RequestSlot *slot = nullptr;
		size_t lores = 0;
	};

	Result<void> openStills();
	Result<void> configure(const CameraOptions &options);
	Result<void> map(Stream which, Stream stream);
	Result<Frame> take(std::chrono::milliseconds timeout, bool &scarce);
	void deliver(const std::stop_token &stop, const FrameFunction &function);
	void endThread();
	Error noFrame(CameraSession &session, CameraSession::Wait wait,
		      std::chrono::milliseconds timeout) const;
	std::string whoHasThem(const CameraSession::Load &load) const;
	std::string howManyHelp() const;
	/* The request of a leased frame; nullptr after close(). The caller holds open_. */
	const RequestSlot *slotOf(unsigned int buffer) const;

	std::string id_;
	Policy policy_ = Policy::DropOldest;
	std::function<void(const std::string &)> log_;
	PerStream<std::optional<FrameLayout>> layouts_;
	/* The mappings of each stream of the program, indexed by the buffer of the stream. */
	PerStream<std::vector<MappingPair>> pixels_;
	unsigned int buffers_ = 0;
	/* The stream of the session that delivers the frames. Constant since open(). */
	Stream flow_ = Stream::Main;
	/* nullptr if the program wants no stills. Constant since open(). */
	std::shared_ptr<StillSource> stills_;

	std::atomic<bool> closed_ = false;
	/*
	 * Guards session_. A function that uses the session holds this lock shared. close()
	 * holds this lock exclusively. A thread takes this lock before mutex_.
	 */
	mutable std::shared_mutex open_;
	/* One reference to the session for each stream; empty after close(). */
	PerStream<std::shared_ptr<CameraSession>> session_;
	/*
	 * The leased frames, indexed by the buffer of the stream flow_. Only the holders of
	 * a leased buffer use the element of the buffer.
	 */
	std::vector<Lent> lent_;
	/* The final counts of the session, valid only after close(). */
	StreamCounts counts_;

	/* Guards event_. A thread takes this lock after open_. */
	std::mutex eventMutex_;
	/* Exists since the first fd(). The session sets and clears the event. */
	std::shared_ptr<ReadyEvent> event_;
	/* Guards thread_. A thread takes this lock before open_. */
	std::mutex threadMutex_;
	/* The thread that calls the program's function for frames. */
	std::jthread thread_;

	mutable std::mutex mutex_;
	/* A text with the holders of the buffers, set only while the camera has no buffer left. */
	std::optional<std::string> starved_;
	/* Whether log_ was called since starved_ was set. */
	bool logged_ = false;
	/*
	 * The text that frameArrived() makes and report() logs. libcamera's thread calls
	 * these two functions.
	 */
	std::string report_;
	std::uint64_t delivered_ = 0;
	std::uint64_t copied_ = 0;
	/* Exists since open(). */
	std::optional<AutomaticControls> automatic_;
};

} /* namespace cmacam */

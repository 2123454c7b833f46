/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CameraSession: one acquired camera, its streams and its requests. It knows
 * libcamera and nothing of GStreamer.
 */
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include <libcamera/camera.h>
#include <libcamera/camera_manager.h>
#include <libcamera/request.h>

#include "camera_offer.h"
#include "error.h"
#include "stream_buffers.h"
#include "stream_queue.h"

namespace cmacam::gst {

/*
 * Each stream belongs to one element, and the elements come and go as they
 * like. libcamera configures all streams at once and only while the camera
 * stands still: a stream that comes while another one flows interrupts it for
 * a moment, one that goes does not. A request asks for a frame of every stream
 * that has a buffer for it, and so the streams show the same frames.
 *
 * All functions may be called from any thread; those of one stream that
 * configure, start and release it, not concurrently with each other.
 */
class CameraSession
{
public:
	enum class Wait {
		Frame,
		Flushing,
		Lost,
		/* The buffers of adopt() are of no use. */
		Refused,
	};

	/**
	 * Stream @which of camera @name, or of the first cmacam camera if it is
	 * empty, but not of @gone, which libcamera may still list after it was
	 * unplugged. The camera is acquired for the first stream, and released
	 * with the last; a stream is left when what is returned is let go of.
	 * Returns nullptr and fills @error (NotFound, Busy, Lost, Open) on failure.
	 */
	static std::shared_ptr<CameraSession> open(const std::string &name, StreamName which,
						   MaybeError &error,
						   const libcamera::Camera *gone = nullptr);
	~CameraSession();

	const std::string &id() const { return camera_->id(); }
	std::shared_ptr<libcamera::Camera> camera() const { return camera_; }
	/* What the camera can be told per frame, with its limits. */
	const libcamera::ControlInfoMap &controls() const { return camera_->controls(); }
	std::shared_ptr<libcamera::CameraManager> manager() const { return manager_; }

	/**
	 * What stream @which can be now: there is one sensor, and the frame rate
	 * of lores is that of main, if main has one.
	 */
	CameraOffer offer(StreamName which) const;
	/** Lets main decide first, if it is about to; not for long, and not while flushing. */
	void awaitMain(StreamName which);

	/**
	 * Configures the stream and allocates its buffers: as many as the
	 * camera needs and @extraBuffers more, as far as it agrees. Those of an
	 * earlier configuration are given up. The other stream goes on with the
	 * buffers it has, also after a failure.
	 * Errors: Settings, NoSpace, Lost, Open.
	 */
	MaybeError configure(StreamName which, const StreamSettings &settings,
			     unsigned int extraBuffers);
	/**
	 * From now on the camera writes to these dma-bufs, which have the layout of
	 * the buffers that a stream has after configure() and replace them. They
	 * are no longer written to when release() returns.
	 */
	void adopt(StreamName which, std::span<const int> fds);
	/* Of a stream that is configured. */
	std::shared_ptr<const StreamBuffers> buffers(StreamName which) const;
	/** Another frame rate, for which nothing needs to stand still. */
	void setFrameDuration(StreamName which, std::chrono::microseconds duration);
	/** What main wants, or else lores; zero where neither does. */
	std::chrono::microseconds frameDuration() const;
	/** The stream ends, and gives its buffers up; the camera stops with the last one. */
	void release(StreamName which);
	/** The stream will not be configured: nobody has to wait for it. */
	void giveUp(StreamName which);

	/**
	 * Frames flow, with @controls in force from the first one on if the camera
	 * stood still. A stream that is about to be configured is waited for, not
	 * for long, so that it has the first frame, too. A fixed frame duration
	 * overrides FrameDurationLimits. Errors: Lost, NoSpace, Open.
	 */
	MaybeError start(StreamName which, const libcamera::ControlList &controls);
	bool started(StreamName which) const;

	/** Blocks until a frame, setFlushing(true) or the loss of the camera. */
	Wait waitFrame(StreamName which, CompletedFrame &frame);
	/** What the frame in a completed @buffer was taken with; until it is queued. */
	const libcamera::ControlList &metadata(StreamName which, size_t buffer);
	/**
	 * When the frame in a completed @buffer was captured, by the element's
	 * @clock. Two readings of a clock differ: the one who asks first says
	 * @time for both streams. @clock is compared, and never followed.
	 */
	uint64_t agreedTime(StreamName which, size_t buffer, const void *clock, uint64_t time);
	/** Go with the next request. */
	void setControls(const libcamera::ControlList &controls);
	/** Whether no frame can come before a buffer is given back. */
	bool isDry(StreamName which) const;
	/** Gives a buffer back to the camera. */
	void queue(StreamName which, size_t buffer);

	void setFlushing(StreamName which, bool flushing);
	/** While paused the camera runs on and the stream's frames are recycled unseen. */
	void setPaused(StreamName which, bool paused);

	/** What to tell the user once the camera is gone. */
	Error lostError() const;

private:
	/* How long a stream that its element is negotiating is waited for. */
	static constexpr std::chrono::seconds kSetupLimit{2};

	enum class Phase {
		Absent,
		/* Its element is there and has not configured it yet. */
		Expected,
		Configured,
		GivenUp,
	};

	struct Member
	{
		CameraOffer offer;
		/* All below but the frame duration: guarded by setup_. */
		StreamSettings settings;
		unsigned int extraBuffers = 0;
		libcamera::Stream *stream = nullptr;
		/* All below, and the frame duration: guarded by mutex_. */
		Phase phase = Phase::Absent;
		bool started = false;
		bool flushing = false;
		bool refused = false;
		StreamQueue queue;
	};

	/* One request, and the buffers that it has or that came with it to the elements. */
	struct Slot
	{
		struct Part
		{
			std::shared_ptr<StreamBuffers> buffers;
			size_t buffer = 0;
		};

		std::unique_ptr<libcamera::Request> request;
		PerStream<Part> parts;
		bool underWay = false;
		/* Of agreedTime(). */
		const void *clock = nullptr;
		uint64_t time = 0;

		bool isIdle() const;
	};

	CameraSession(std::shared_ptr<libcamera::CameraManager> manager,
		      std::shared_ptr<libcamera::Camera> camera);
	CameraSession(const CameraSession &) = delete;
	CameraSession &operator=(const CameraSession &) = delete;

	static std::shared_ptr<CameraSession> acquire(const std::string &name, MaybeError &error,
						      const libcamera::Camera *gone);
	MaybeError join(StreamName which);
	void leave(StreamName which);

	bool isConfigured(StreamName which) const;

	/* With setup_ held. */
	MaybeError applyConfiguration(PerStream<libcamera::StreamConfiguration> &applied);
	MaybeError configureMember(StreamName which);
	MaybeError startCamera();
	void stopCamera();
	void close(StreamName which);
	void dropBuffers(StreamName which);

	/* With mutex_ held. */
	bool isExpected(StreamName which) const;
	std::chrono::microseconds frameDurationLocked() const;
	void setFrameDurationLimits(libcamera::ControlList &controls) const;
	bool isWorthARequest() const;
	void queueRequests();
	void queueRequest();
	Slot *idleSlot();
	Slot *slotOf(StreamName which, size_t buffer);
	void giveBack(StreamName which, size_t buffer);
	void partCompleted(Slot &slot, StreamName which);

	void requestCompleted(libcamera::Request *request);
	void cameraDisconnected();

	/* The order matters: the manager goes last. */
	std::shared_ptr<libcamera::CameraManager> manager_;
	std::shared_ptr<libcamera::Camera> camera_;

	/* For whoever configures, starts or stops the camera; taken before mutex_. */
	std::mutex setup_;

	mutable std::mutex mutex_;
	std::condition_variable changed_;
	/* All below: guarded by mutex_. */
	PerStream<Member> members_;
	/* They are never moved: libcamera knows their requests. */
	std::deque<Slot> slots_;
	size_t underWay_ = 0;
	/* All that was ever set, and what the camera has not been told yet. */
	libcamera::ControlList controls_;
	libcamera::ControlList pending_;
	bool streaming_ = false;
	bool lost_ = false;
};

} /* namespace cmacam::gst */

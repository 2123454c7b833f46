/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CameraSession: one acquired camera, its streams and the users of the streams.
 */
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include <libcamera/camera.h>
#include <libcamera/camera_manager.h>

#include <cmacam/result.h>

#include "camera_offer.h"
#include "camera_signals.h"
#include "request_pump.h"
#include "session_controls.h"
#include "stream_buffers.h"
#include "stream_configurations.h"
#include "stream_queue.h"
#include "streams.h"

namespace cmacam {

/* Gets a call for each frame that comes from the camera. */
class StreamListener
{
public:
	/* Numbers of buffers of a stream. All other buffers are free or with the user. */
	struct Load
	{
		size_t underWay; /* buffers in requests that the camera has */
		size_t waiting;	 /* buffers with a frame that waits for the user */
	};

	/* A frame that came from the camera. */
	struct Arrival
	{
		uint32_t sequence;
		uint32_t lost;
		/* Whether the user gets it. */
		bool delivered;
		/*
		 * The load after the arrival. It includes this frame. Buffers that became
		 * free are with the camera again already.
		 */
		Load load;
	};

	/**
	 * Called on libcamera's thread for each frame. The thread holds the session's
	 * lock, so this function must not call the session. Returns whether the
	 * session shall call report() after it has released the lock.
	 */
	virtual bool frameArrived(const Arrival &arrival) = 0;
	/** Called on libcamera's thread, without the session's lock. */
	virtual void report() = 0;

protected:
	~StreamListener() = default;
};

/*
 * Each stream has at most one user: a cmacamsrc element or a cmacam::Camera. A
 * cmacam::Camera may use both streams. Users may join and leave at any time.
 * libcamera configures all streams at once, and only while the camera is stopped.
 * So configure() interrupts the other stream for a moment. release() interrupts it
 * only if the buffers of the released stream come from adopt().
 *
 * Any thread may call any function. But for one stream, two threads must not run
 * the functions that configure, start, stop and release it at the same time.
 *
 * The functions return these errors: ENODEV if the camera was unplugged or does
 * not exist; EBUSY if the camera or the stream has another user; EINVAL if the
 * camera does not support the settings; ENOMEM if there is no memory for frames.
 */
class CameraSession final : private CameraListener
{
public:
	enum class Wait {
		Frame,
		TimedOut,
		Flushing,
		Lost,
		/* The camera cannot write to the buffers of adopt(). */
		Refused,
	};

	using Load = StreamListener::Load;
	using Arrival = StreamListener::Arrival;

	/* A frame that the user takes. */
	struct Taken
	{
		const CompletedFrame &frame;
		/* The other stream's frame of the same request; nullptr if no streams are tied. */
		const CompletedFrame *tied;
		/* The load of the stream without this frame. */
		Load left;
	};
	using TakeFunction = std::function<void(const Taken &)>;

	/**
	 * Makes the session of @camera, which must be acquired. The session releases
	 * the camera. Users call openStream() and not this constructor.
	 */
	CameraSession(std::shared_ptr<libcamera::CameraManager> manager,
		      std::shared_ptr<libcamera::Camera> camera);
	CameraSession(const CameraSession &) = delete;
	CameraSession &operator=(const CameraSession &) = delete;
	~CameraSession();

	/**
	 * Gives stream @which a user, until leave(). Only openStream() calls join() and
	 * leave(), and only one of them at a time. Errors: ENODEV; EBUSY if the stream
	 * has a user already, or if the camera's only stream has a user.
	 */
	Result<void> join(Stream which);
	/** Releases stream @which and removes its user. */
	void leave(Stream which);

	const std::string &id() const { return camera_->id(); }
	std::shared_ptr<libcamera::Camera> camera() const { return camera_; }
	/* The controls of the camera with their limits. */
	const libcamera::ControlInfoMap &controls() const { return camera_->controls(); }
	std::shared_ptr<libcamera::CameraManager> manager() const { return manager_; }

	/**
	 * Returns what stream @which can deliver now. Both streams have the same sensor:
	 * if main has a fixed frame duration, lores offers only this duration.
	 */
	CameraOffer offer(Stream which) const;
	/**
	 * Waits until main is configured or given up, if it has a user that may still
	 * configure it. The function waits for at most kSetupLimit, and not while
	 * stream @which is flushing. For main it returns at once.
	 */
	void awaitMain(Stream which);

	/**
	 * Ties both streams together, until one of them leaves. Both have the same
	 * user. Each request then has a buffer of both streams. If the frame of one
	 * stream is damaged, the session treats both frames as damaged. start(), stop()
	 * and waitFrame() of one stream apply to both streams.
	 */
	void tie();
	/** Sets how the stream delivers its frames. Call this before configure(). */
	void setDelivery(Stream which, const Delivery &delivery);
	/** Sets the listener of the stream, which replaces the former one. */
	void setListener(Stream which, std::weak_ptr<StreamListener> listener);

	/**
	 * Configures streams and allocates their buffers. The streams drop the buffers
	 * of an earlier configuration. A stream that has no settings here keeps its
	 * buffers and continues, even after a failure. Errors: EINVAL, ENOMEM, ENODEV.
	 */
	Result<void> configure(Stream which, const StreamSettings &settings);
	Result<void> configure(const PerStream<std::optional<StreamSettings>> &wishes);
	/**
	 * Replaces the buffers of a configured stream by the dma-bufs @fds. They must
	 * have the layout of the buffers that configure() allocated. The camera does
	 * not write to the dma-bufs any more when release() has returned.
	 */
	void adopt(Stream which, std::span<const int> fds);
	/* Returns the buffers of a configured stream; nullptr for any other stream. */
	std::shared_ptr<const StreamBuffers> buffers(Stream which) const;
	/** Sets another frame duration of a configured stream, without stopping the camera. */
	void setFrameDuration(Stream which, std::chrono::microseconds duration);
	/** Returns the fixed frame duration of main, else that of lores, else zero. */
	std::chrono::microseconds frameDuration() const;
	/**
	 * Ends the stream and drops its buffers. If no other stream is configured, the
	 * camera stops.
	 */
	void release(Stream which);
	/** Marks a stream that will not be configured, so that the other stream does not wait. */
	void giveUp(Stream which);

	/**
	 * Starts a stream, and the camera if it is stopped. If the camera starts, then
	 * @controls apply from the first frame on. If the other stream has a user that
	 * may still configure it, this function first waits for at most kSetupLimit.
	 * So both streams get the first frame. A fixed frame duration overrides
	 * FrameDurationLimits. While the stream is flushing, the function does nothing.
	 * Errors: ENODEV, ENOMEM, the errors of Camera::start().
	 */
	Result<void> start(Stream which, const libcamera::ControlList &controls);
	bool started(Stream which) const;
	/**
	 * Stops a stream, which gets no frames until start(). The stream keeps its
	 * buffers and drops the frames that wait. The camera stops if no other stream
	 * has started.
	 */
	void stop(Stream which);

	/**
	 * Waits for a frame. The wait also ends with setFlushing(true), if the camera is
	 * lost, and if the camera cannot use the buffers of adopt().
	 */
	Wait waitFrame(Stream which, CompletedFrame &frame);
	/**
	 * Waits for a frame for at most @limit, and passes the frame to @take. The wait
	 * also ends with setFlushing(true), with stop(), and if the camera is lost. The
	 * thread holds the session's lock during @take, which must not call the session.
	 */
	Wait waitFrame(Stream which, std::chrono::milliseconds limit, const TakeFunction &take);
	/**
	 * Returns the capture time of @frame on the element's @clock, the same for both
	 * streams. Two readings of a clock differ, so the @time of the first call for a
	 * request is the result of later calls with the same @clock. The session only
	 * compares @clock and never dereferences it.
	 */
	uint64_t agreedTime(const CompletedFrame &frame, const void *clock, uint64_t time);
	/** Sends @controls with the next request. They also apply after each later start. */
	void setControls(const libcamera::ControlList &controls);
	/** Whether the stream gets no frame before the user gives a buffer back. */
	bool isDry(Stream which) const;
	Load load(Stream which) const;
	/* Returns the counts since the stream was started. */
	StreamCounts counts(Stream which) const;
	/** Gives a buffer back to the camera. */
	void queue(Stream which, size_t buffer);
	/** Gives back @buffer and, if the streams are tied, buffer @tied of the other stream. */
	void queue(Stream which, size_t buffer, size_t tied);

	/** While a stream is flushing, its waitFrame() does not wait. */
	void setFlushing(Stream which, bool flushing);
	/**
	 * Pauses or continues a stream. The camera goes on while a stream is paused, but
	 * the session drops the frames of the paused stream.
	 */
	void setPaused(Stream which, bool paused);

	/**
	 * Whether the camera is lost: it was unplugged, it cancelled or refused a request,
	 * it did not restart for a stream that had started, or it did not complete its
	 * requests when it stopped. The user can still take frames that wait.
	 */
	bool isLost() const;
	/** Makes the error ENODEV for a user whose camera is lost. */
	Error lostError() const;
	/** Whether libcamera reports that the camera was unplugged, now or within @limit. */
	bool awaitDisconnect(std::chrono::milliseconds limit);

private:
	/* Longest time to wait for the user of a stream to configure it. */
	static constexpr std::chrono::seconds kSetupLimit{2};

	enum class Phase {
		Absent,
		/* The stream has a user, which has not configured it yet. */
		Expected,
		Configured,
		GivenUp,
	};

	struct Member
	{
		CameraOffer offer;
		Phase phase = Phase::Absent;
		bool started = false;
		bool flushing = false;
		bool refused = false;
		std::weak_ptr<StreamListener> listener;
	};

	bool isConfigured(Stream which) const;

	/* The caller of these functions holds setup_. */
	Result<PerStream<libcamera::StreamConfiguration>> applyConfigurations();
	Result<void> configureMembers(const PerStream<std::optional<StreamSettings>> &wishes);
	Result<void> startCamera();
	void stopCamera();
	void close(Stream which);

	/* The caller of these functions holds mutex_. */
	bool isExpected(Stream which) const;
	bool isConcerned(Stream stream, Stream which) const;
	Load loadLocked(Stream which) const;
	void queueRequests();

	void requestCompleted(libcamera::Request *request) override;
	void cameraDisconnected() override;

	/* The first member, because the manager must be destroyed after the other members. */
	std::shared_ptr<libcamera::CameraManager> manager_;
	std::shared_ptr<libcamera::Camera> camera_;

	/* Held to configure, start or stop the camera. A thread takes it before mutex_. */
	std::mutex setup_;
	/* Guarded by setup_. */
	StreamConfigurations configurations_;

	mutable std::mutex mutex_;
	std::condition_variable changed_;
	/* mutex_ guards all members below. */
	PerStream<Member> members_;
	RequestPump pump_;
	SessionControls controls_;
	bool tied_ = false;
	bool lost_ = false;
	bool disconnected_ = false;
};

} /* namespace cmacam */

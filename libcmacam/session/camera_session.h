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
#include "ready_event.h"
#include "request_pump.h"
#include "session_controls.h"
#include "stream_buffers.h"
#include "stream_configurations.h"
#include "stream_queue.h"
#include "streams.h"

namespace cmacam {

/* A listener, which the session calls for each frame of a stream. */
class StreamListener
{
public:
	/* Numbers of buffers of a stream. All other buffers are free, or the user holds them. */
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
		/* Whether the user gets the frame. */
		bool delivered;
		/*
		 * The load after the arrival, which includes this frame. Buffers that became free
		 * have already gone back to the camera.
		 */
		Load load;
	};

	/**
	 * libcamera's thread calls this function for each frame. The thread holds the
	 * session's lock, so this function must not call the session. Returns whether the
	 * session shall call report() after the session has released the lock.
	 */
	virtual bool frameArrived(const Arrival &arrival) = 0;
	/** libcamera's thread calls this function, without the session's lock. */
	virtual void report() = 0;

protected:
	~StreamListener() = default;
};

/*
 * Each stream has at most one user: a cmacamsrc element or a cmacam::Camera. Both may
 * also use the two streams together. Users may join and leave at any time.
 * libcamera configures all streams at once, and only while the camera is stopped.
 * So configure() for one stream interrupts the other stream for a moment. release()
 * for one stream interrupts the other stream only if the buffers of the released
 * stream come from adopt().
 *
 * Any thread may call any function. But two threads must not configure, start, stop
 * or release the same stream at the same time.
 *
 * The functions return these errors: ENODEV if the camera was unplugged or does
 * not exist; EIO if the camera fails although it is plugged in; EBUSY if the camera
 * or the stream has another user; EINVAL if the camera does not support the
 * settings; ENOMEM if there is no memory for frames.
 */
class CameraSession final : private CameraListener
{
public:
	enum class Wait {
		Frame,
		TimedOut,
		Flushing,
		Lost,
		/* The camera cannot write to the buffers that adopt() has set. */
		Refused,
	};

	using Load = StreamListener::Load;
	using Arrival = StreamListener::Arrival;

	/* A frame that the user takes. */
	struct Taken
	{
		const CompletedFrame &frame;
		/*
		 * The other stream's frame of the same request; nullptr if the streams are not
		 * tied.
		 */
		const CompletedFrame *tied;
		/* The load of the stream without this frame. */
		Load left;
	};
	using TakeFunction = std::function<void(const Taken &)>;

	/*
	 * Number of successive requests that the camera may cancel. If a single request is
	 * cancelled, its frame is lost, and the session queues its buffers again. A camera
	 * that cancels more requests without a frame between them is lost.
	 */
	static constexpr unsigned int kMostCancelled = 8;

	/**
	 * Makes a session for @camera, which must already be acquired. The destructor of
	 * the session releases the camera. Users call openStream() and not this
	 * constructor.
	 */
	CameraSession(std::shared_ptr<libcamera::CameraManager> manager,
		      std::shared_ptr<libcamera::Camera> camera);
	CameraSession(const CameraSession &) = delete;
	CameraSession &operator=(const CameraSession &) = delete;
	~CameraSession();

	/**
	 * Marks stream @which as used, until leave(). Only openStream() calls join() and
	 * leave(), and two such calls never run at the same time. Errors: ENODEV; EBUSY if
	 * the stream has a user already, or if the camera's only stream has a user.
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
	 * Returns the formats, sizes and frame durations that stream @which offers now.
	 * Both streams use the same sensor. So if main has a fixed frame duration, lores
	 * offers only this duration.
	 */
	CameraOffer offer(Stream which) const;
	/**
	 * Waits while the user of the main stream may still configure that stream. The wait
	 * ends when the main stream is configured or given up, when the camera is lost,
	 * when stream @which is flushing, or after kSetupLimit. If @which is the main
	 * stream, the function returns at once.
	 */
	void awaitMain(Stream which);

	/**
	 * Ties the two streams of one user together, until leave() of either stream. Each
	 * request then has one buffer of each stream. If the frame of one stream is
	 * damaged, the session treats both frames of the request as damaged. A call of
	 * start(), stop() or waitFrame() for one stream applies to both streams.
	 */
	void tie();
	/**
	 * Lets stream @which deliver only the frames that capture() asks for, until leave().
	 * The stream belongs to the user of the other stream: start() and stop() of the other
	 * stream apply to both.
	 */
	void setOnDemand(Stream which);
	/** Sets how the stream delivers its frames. Call setDelivery() before configure(). */
	void setDelivery(Stream which, const Delivery &delivery);
	/** Sets the listener of the stream, in place of the former listener. */
	void setListener(Stream which, std::weak_ptr<StreamListener> listener);
	/**
	 * Sets the event of the stream, until leave(). The event is set while the timed
	 * waitFrame() for this stream would not wait. After leave(), it stays set.
	 */
	void setReadyEvent(Stream which, std::shared_ptr<ReadyEvent> event);

	/**
	 * Configures streams and allocates their buffers. The streams drop the buffers of
	 * an earlier configuration. If a stream has no settings in this call, the stream
	 * keeps its buffers and continues, even if the call fails. Errors: EINVAL, ENOMEM,
	 * ENODEV.
	 */
	Result<void> configure(Stream which, const StreamSettings &settings);
	Result<void> configure(const PerStream<std::optional<StreamSettings>> &wishes);
	/**
	 * Replaces the buffers of a configured stream by the dma-bufs @fds. The dma-bufs
	 * must have the same layout as the buffers that configure() allocated. After
	 * release() has returned, the camera does not write to the dma-bufs any more.
	 */
	void adopt(Stream which, std::span<const int> fds);
	/* Returns the buffers of a configured stream; nullptr for any other stream. */
	std::shared_ptr<const StreamBuffers> buffers(Stream which) const;
	/** Changes the frame duration of a configured stream. The camera continues. */
	void setFrameDuration(Stream which, std::chrono::microseconds duration);
	/**
	 * Returns the fixed frame duration of the main stream, or of lores if the main
	 * stream has none. If neither stream has a fixed frame duration, returns zero.
	 */
	std::chrono::microseconds frameDuration() const;
	/**
	 * Ends the stream and drops its buffers. If no other stream is configured, the
	 * camera stops.
	 */
	void release(Stream which);
	/**
	 * Marks a stream that its user will not configure, so that the other stream does
	 * not wait.
	 */
	void giveUp(Stream which);

	/**
	 * Starts a stream. If the camera is stopped, the function also starts the camera,
	 * and @controls apply from the first frame on. If the user of the other stream may
	 * still configure that stream, the function first waits for the configuration, for
	 * at most kSetupLimit. So both streams get the first frame. A fixed frame duration
	 * overrides the control FrameDurationLimits. If the stream is flushing, the
	 * function does nothing. Errors: ENODEV, ENOMEM, the errors of Camera::start().
	 */
	Result<void> start(Stream which, const libcamera::ControlList &controls);
	bool started(Stream which) const;
	/**
	 * Stops a stream. The stream gets no frames until the next start(). The stream
	 * keeps its buffers and drops the frames that wait. If no other stream is started,
	 * the camera stops.
	 */
	void stop(Stream which);

	/**
	 * Waits for a frame. The wait also ends when the stream is flushing, when the
	 * camera is lost, or when the camera cannot use the buffers that adopt() has set.
	 * If the camera is lost, lostError() has the reason.
	 */
	Wait waitFrame(Stream which, CompletedFrame &frame);
	/**
	 * Waits for a frame for at most @limit, and passes the frame to @take. The wait
	 * also ends when the stream is flushing or stopped, or when the camera is lost. The
	 * thread holds the session's lock while it runs @take. So @take must not call the
	 * session.
	 */
	Wait waitFrame(Stream which, std::chrono::milliseconds limit, const TakeFunction &take);
	/**
	 * Asks for one frame of stream @which, for which setOnDemand() was called, and waits at
	 * most @limit for this frame. The request of this frame is queued after the call, together
	 * with the next buffer of the other stream. If the camera reports an error for the frame,
	 * the function asks for another one. Returns Flushing if the other stream is not started,
	 * is paused or is flushing, or if this begins during the wait. queue() gives the buffer
	 * back.
	 */
	Wait capture(Stream which, std::chrono::milliseconds limit, CompletedFrame &frame);
	/**
	 * Returns the capture time of @frame on an element's clock, which is the same for
	 * both streams. The first call for a request stores @clock and @time, and returns
	 * @time. Later calls for the request with the same @clock return the stored time,
	 * because two readings of a clock differ. The session only compares @clock with
	 * other pointers.
	 */
	uint64_t agreedTime(const CompletedFrame &frame, const void *clock, uint64_t time);
	/**
	 * Sends @controls with the next request. The controls also apply after each later
	 * start of the camera.
	 */
	void setControls(const libcamera::ControlList &controls);
	/**
	 * Sends each of @sets with one frame of the stream. FrameInfo::bracket of this frame is
	 * the index of the set. After the last set, the controls have their values of before.
	 * If a set does not have a control of another set, its frame gets this value, too.
	 * Errors: EPERM if the stream was not started; EBUSY while another bracket is sent.
	 */
	Result<void> bracket(Stream which, std::span<const libcamera::ControlList> sets);
	/** Whether the stream can get no frame until its user gives a buffer back. */
	bool isDry(Stream which) const;
	Load load(Stream which) const;
	/* Returns the counts since the stream was started. */
	StreamCounts counts(Stream which) const;
	/** Gives a buffer back to the camera. */
	void queue(Stream which, size_t buffer);
	/**
	 * Gives @buffer back to the camera. If the streams are tied, the function also
	 * gives buffer @tied of the other stream back.
	 */
	void queue(Stream which, size_t buffer, size_t tied);

	/**
	 * Sets whether a stream is flushing. While a stream is flushing, waitFrame() for
	 * this stream does not wait.
	 */
	void setFlushing(Stream which, bool flushing);
	/**
	 * Pauses or continues a stream. While a stream is paused, the camera continues, but
	 * the session drops the frames of this stream.
	 */
	void setPaused(Stream which, bool paused);

	/**
	 * Whether the camera is lost. A camera is lost after it was unplugged, refused a
	 * request, cancelled kMostCancelled successive requests, did not restart for a
	 * stream that had started, or did not complete its requests when it stopped. After
	 * the camera is lost, the user can still take the frames that wait.
	 */
	bool isLost() const;
	/**
	 * Makes the error for a user whose camera is lost: ENODEV if libcamera has reported
	 * that the camera was unplugged, or if the kernel has no nodes of the camera any
	 * more. Otherwise EIO, with the driver's sentence.
	 */
	Error lostError() const;

private:
	/* Longest time to wait until the user of a stream configures the stream. */
	static constexpr std::chrono::seconds kSetupLimit{2};
	/* Longest time from the first cancelled request to the report of the unplug. */
	static constexpr std::chrono::seconds kNewsLimit{2};

	enum class Phase {
		Absent,
		/* The stream has a user, who has not configured the stream yet. */
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
		std::shared_ptr<ReadyEvent> event;
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
	Error lostErrorLocked() const;
	void awaitNews(std::unique_lock<std::mutex> &lock, Stream which);
	bool endsTimedWait(Stream which) const;
	void updateReadyEvents();
	void queueRequests();
	void endCaptures();

	void requestCompleted(libcamera::Request *request) override;
	void cameraDisconnected() override;

	/*
	 * This is the first member, because the manager must be destroyed after the other
	 * members.
	 */
	std::shared_ptr<libcamera::CameraManager> manager_;
	std::shared_ptr<libcamera::Camera> camera_;

	/*
	 * A thread holds setup_ while it configures, starts or stops the camera. A thread
	 * takes setup_ before mutex_.
	 */
	std::mutex setup_;
	/* setup_ guards this member. */
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
	/* Number of requests that the camera cancelled since its last frame. */
	unsigned int cancelled_ = 0;
	/* Number of times that whoever waited in capture() had to return. */
	unsigned int captureEnds_ = 0;
};

} /* namespace cmacam */

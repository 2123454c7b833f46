/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CameraSession: one acquired camera, its streams and who uses them.
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

/* A user that wants to know of each frame when it comes. */
class StreamListener
{
public:
	/* What is on its way on a stream; the rest of its buffers is free or with the user. */
	struct Load
	{
		size_t underWay;
		size_t waiting;
	};

	/* A frame that came from the camera. */
	struct Arrival
	{
		uint32_t sequence;
		uint32_t lost;
		/* Whether the user gets it. */
		bool delivered;
		/* With it, and once buffers that it set free are with the camera again. */
		Load load;
	};

	/**
	 * Called on libcamera's thread, with the session's lock held: it must not
	 * call the session. Returns whether report() shall be called, without the lock.
	 */
	virtual bool frameArrived(const Arrival &arrival) = 0;
	virtual void report() = 0;

protected:
	~StreamListener() = default;
};

/*
 * Each stream belongs to one user, an element or a cmacam::Camera, which may
 * have both; the users come and go as they like. libcamera configures all
 * streams at once and only while the camera stands still: a stream that comes
 * while another one flows interrupts it for a moment, one that goes does not.
 *
 * All functions may be called from any thread; those of one stream that
 * configure, start, stop and release it, not concurrently with each other.
 *
 * Errors are those of libcmacam: ENODEV where the camera is gone or there is no
 * such camera, EBUSY where somebody else has it, EINVAL where it does not do
 * what is asked for, ENOMEM where there is no memory for its frames.
 */
class CameraSession final : private CameraListener
{
public:
	enum class Wait {
		Frame,
		TimedOut,
		Flushing,
		Lost,
		/* The buffers of adopt() are of no use. */
		Refused,
	};

	using Load = StreamListener::Load;
	using Arrival = StreamListener::Arrival;

	/* A frame on its way to the user. */
	struct Taken
	{
		const CompletedFrame &frame;
		/* The frame of the other stream that came with it, if the two are tied. */
		const CompletedFrame *tied;
		/* What it leaves. */
		Load left;
	};
	using TakeFunction = std::function<void(const Taken &)>;

	/** @camera is acquired; the session releases it. Users call openStream() instead. */
	CameraSession(std::shared_ptr<libcamera::CameraManager> manager,
		      std::shared_ptr<libcamera::Camera> camera);
	CameraSession(const CameraSession &) = delete;
	CameraSession &operator=(const CameraSession &) = delete;
	~CameraSession();

	/**
	 * Stream @which has a user from now on, until leave(); for openStream(),
	 * which calls one of them at a time. Errors: EBUSY where the stream has a
	 * user already, or the camera has one stream only and that has one; ENODEV.
	 */
	Result<void> join(Stream which);
	void leave(Stream which);

	const std::string &id() const { return camera_->id(); }
	std::shared_ptr<libcamera::Camera> camera() const { return camera_; }
	/* What the camera can be told per frame, with its limits. */
	const libcamera::ControlInfoMap &controls() const { return camera_->controls(); }
	std::shared_ptr<libcamera::CameraManager> manager() const { return manager_; }

	/**
	 * What stream @which can be now: there is one sensor, and the frame rate
	 * of lores is that of main, if main has one.
	 */
	CameraOffer offer(Stream which) const;
	/** Lets main decide first, if it is about to; not for long, and not while flushing. */
	void awaitMain(Stream which);

	/**
	 * Both streams are one user's, for as long as both stay: a request has
	 * buffers for both or none, an error of one spoils the other, and start(),
	 * stop() and waitFrame() of one are for both.
	 */
	void tie();
	/** How frames of the stream get to its user; before it is configured. */
	void setDelivery(Stream which, const Delivery &delivery);
	void setListener(Stream which, std::weak_ptr<StreamListener> listener);

	/**
	 * Configures streams and allocates their buffers. Those of an earlier
	 * configuration are given up. The other stream goes on with the buffers it
	 * has, also after a failure. Errors: EINVAL, ENOMEM, ENODEV.
	 */
	Result<void> configure(Stream which, const StreamSettings &settings);
	Result<void> configure(const PerStream<std::optional<StreamSettings>> &wishes);
	/**
	 * From now on the camera writes to these dma-bufs, which have the layout of
	 * the buffers that a stream has after configure() and replace them. They
	 * are no longer written to when release() returns.
	 */
	void adopt(Stream which, std::span<const int> fds);
	/* Of a stream that is configured. */
	std::shared_ptr<const StreamBuffers> buffers(Stream which) const;
	/** Another frame rate, for which nothing needs to stand still. */
	void setFrameDuration(Stream which, std::chrono::microseconds duration);
	/** What main wants, or else lores; zero where neither does. */
	std::chrono::microseconds frameDuration() const;
	/** The stream ends, and gives its buffers up; the camera stops with the last one. */
	void release(Stream which);
	/** The stream will not be configured: nobody has to wait for it. */
	void giveUp(Stream which);

	/**
	 * Frames flow, with @controls in force from the first one on if the camera
	 * stood still. A stream that is about to be configured is waited for, not
	 * for long, so that it has the first frame, too. A fixed frame duration
	 * overrides FrameDurationLimits. Errors: ENODEV, ENOMEM, those of
	 * Camera::start().
	 */
	Result<void> start(Stream which, const libcamera::ControlList &controls);
	bool started(Stream which) const;
	/**
	 * No more frames, until start(); the stream keeps its buffers, and frames
	 * that wait go back. The camera stops with the last stream that has started.
	 */
	void stop(Stream which);

	/** Blocks until a frame, setFlushing(true), or the loss of the camera. */
	Wait waitFrame(Stream which, CompletedFrame &frame);
	/**
	 * Blocks for at most @limit, or until stop(), too. A frame is handed to
	 * @take with the session's lock held: @take must not call the session.
	 */
	Wait waitFrame(Stream which, std::chrono::milliseconds limit, const TakeFunction &take);
	/**
	 * When a frame was captured, by the element's @clock. Two readings of a
	 * clock differ: the one who asks first says @time for both streams.
	 * @clock is compared, and never followed.
	 */
	uint64_t agreedTime(const CompletedFrame &frame, const void *clock, uint64_t time);
	/** Go with the next request, and are in force after each start. */
	void setControls(const libcamera::ControlList &controls);
	/** Whether no frame can come before a buffer is given back. */
	bool isDry(Stream which) const;
	Load load(Stream which) const;
	/* Since the stream was started. */
	StreamCounts counts(Stream which) const;
	/** Gives a buffer back to the camera. */
	void queue(Stream which, size_t buffer);
	/** Gives @buffer back, and @tied of the other stream if the two are tied. */
	void queue(Stream which, size_t buffer, size_t tied);

	void setFlushing(Stream which, bool flushing);
	/** While paused the camera runs on and the stream's frames are recycled unseen. */
	void setPaused(Stream which, bool paused);

	/** The camera is gone, or gave a request up; frames that wait can be taken still. */
	bool isLost() const;
	/** What to tell the user once the camera is gone: ENODEV. */
	Error lostError() const;
	/** Whether libcamera reports the camera as gone, now or within @limit. */
	bool awaitDisconnect(std::chrono::milliseconds limit);

private:
	/* How long a stream that its element is negotiating is waited for. */
	static constexpr std::chrono::seconds kSetupLimit{2};

	enum class Phase {
		Absent,
		/* Its user is there and has not configured it yet. */
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

	/* With setup_ held. */
	Result<PerStream<libcamera::StreamConfiguration>> applyConfigurations();
	Result<void> configureMembers(const PerStream<std::optional<StreamSettings>> &wishes);
	Result<void> startCamera();
	void stopCamera();
	void close(Stream which);

	/* With mutex_ held. */
	bool isExpected(Stream which) const;
	bool isConcerned(Stream stream, Stream which) const;
	Load loadLocked(Stream which) const;
	void queueRequests();

	void requestCompleted(libcamera::Request *request) override;
	void cameraDisconnected() override;

	/* The order matters: the manager goes last. */
	std::shared_ptr<libcamera::CameraManager> manager_;
	std::shared_ptr<libcamera::Camera> camera_;

	/* For whoever configures, starts or stops the camera; taken before mutex_. */
	std::mutex setup_;
	/* Guarded by setup_. */
	StreamConfigurations configurations_;

	mutable std::mutex mutex_;
	std::condition_variable changed_;
	/* All below: guarded by mutex_. */
	PerStream<Member> members_;
	RequestPump pump_;
	SessionControls controls_;
	bool tied_ = false;
	bool lost_ = false;
	bool disconnected_ = false;
};

} /* namespace cmacam */

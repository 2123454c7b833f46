/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a Camera is made of: leases and policies on top of a session.
 */

#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include <cmacam/camera.h>
#include <cmacam/mapping_pair.h>

#include "camera_session.h"

namespace cmacam {

/**
 * The streams of one Camera, and the source of its frames.
 *
 * A frame is known by the buffer of main that it lies in; the buffer of lores
 * that came in the same request belongs to it. Frames keep the source alive
 * after its camera was closed; then only the mappings are left of it.
 *
 * Any thread may call anything; next() is for one at a time.
 */
class Camera::Source final : public FrameSource,
			     public StreamListener,
			     public std::enable_shared_from_this<Source>
{
public:
	~Source() override { close(); }

	Result<void> open(const CameraOptions &options);
	/** Ends next() in whatever thread with EPERM, waits for it, and releases the camera. */
	void close();

	const std::string &id() const { return id_; }
	const FrameLayout *layout(Stream stream) const;
	unsigned int buffers() const { return buffers_; }

	Result<void> start();
	Result<void> stop();
	Result<Frame> next(std::chrono::milliseconds timeout);

	Result<void> set(std::string_view name, const ControlValue &value);
	std::vector<ControlRange> controls() const;
	CameraStatistics statistics() const;

	Result<const FrameMapping *> mapping(unsigned int buffer, Stream stream,
					     Access access) override;
	void leaseEnds() noexcept override;
	void giveBack(unsigned int buffer) noexcept override;
	std::vector<NamedValue> metadata(unsigned int buffer) const override;

	bool frameArrived(const CameraSession::Arrival &arrival) override;
	void report() override;

private:
	/* The frame in a buffer of main, while it is leased. */
	struct Lent
	{
		RequestSlot *slot = nullptr;
		size_t lores = 0;
	};

	Result<void> configure(const CameraOptions &options);
	Result<void> map(Stream stream);
	Result<Frame> take(std::chrono::milliseconds timeout, bool &scarce);
	Error noFrame(CameraSession &session, CameraSession::Wait wait,
		      std::chrono::milliseconds timeout) const;
	std::string whoHasThem(const CameraSession::Load &load) const;

	std::string id_;
	Policy policy_ = Policy::DropOldest;
	std::function<void(const std::string &)> log_;
	PerStream<std::optional<FrameLayout>> layouts_;
	/* By buffer of that stream. */
	PerStream<std::vector<MappingPair>> pixels_;
	unsigned int buffers_ = 0;

	std::atomic<bool> closed_ = false;
	/* Shared by who uses the session, which close() ends. Taken before mutex_. */
	mutable std::shared_mutex open_;
	/* One share for each stream; empty once closed. */
	PerStream<std::shared_ptr<CameraSession>> session_;
	/* By buffer of main; a leased one is its holders'. */
	std::vector<Lent> lent_;
	/* Of the session, once closed. */
	StreamCounts counts_;

	mutable std::mutex mutex_;
	/* Since the camera was left without a buffer: who had them, whether log_ was called. */
	std::optional<std::string> starved_;
	bool logged_ = false;
	/* Of frameArrived() for report(), both on libcamera's thread. */
	std::string report_;
	std::uint64_t delivered_ = 0;
	std::uint64_t copied_ = 0;
};

} /* namespace cmacam */

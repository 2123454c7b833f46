/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One use of a libcamera camera, from acquire to release, and its buffers.
 */

#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <libcamera/libcamera.h>

#include <cmacam/camera.h>
#include <cmacam/mapping_pair.h>

namespace cmacam {

/**
 * What a Camera is made of, and the source of its frames.
 *
 * Frames keep the session alive after its camera was closed; then only the
 * mappings are left of it.
 *
 * libcamera completes requests in a thread of its own. mutex_ guards all that is
 * below it, and queueing a request, so that none is queued after stop().
 */
class Camera::Session final : public FrameSource, public std::enable_shared_from_this<Session>
{
public:
	~Session() override { close(); }

	Result<void> open(const CameraOptions &options);
	void close();

	const std::string &id() const { return id_; }
	const FrameLayout *layout(Stream stream) const;
	unsigned int buffers() const { return static_cast<unsigned int>(slots_.size()); }

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

private:
	static constexpr std::size_t kStreams = 2;

	/* A request and its buffers, which stay together. */
	struct Slot
	{
		std::unique_ptr<libcamera::Request> request;
		std::array<std::optional<MappingPair>, kStreams> pixels;
		bool leased = false;
	};

	Result<void> acquire(const std::string &id);
	Result<void> configure(const CameraOptions &options);
	Result<void> makeSlots();
	Error failed(const std::string &what, int ret) const;

	void completed(libcamera::Request *request);
	void disconnected();

	/* With the lock. */
	void queue(unsigned int buffer);
	std::string arrived(libcamera::Request *request);
	std::string countLost(std::uint32_t sequence);
	std::string whoHasThem() const;
	Error noFrame(std::unique_lock<std::mutex> &lock, std::chrono::milliseconds timeout);
	Frame take();

	std::string id_;
	Policy policy_ = Policy::DropOldest;
	std::function<void(const std::string &)> log_;
	std::shared_ptr<libcamera::CameraManager> manager_;
	std::shared_ptr<libcamera::Camera> camera_;
	std::unique_ptr<libcamera::CameraConfiguration> config_;
	std::unique_ptr<libcamera::FrameBufferAllocator> allocator_;
	std::array<std::optional<FrameLayout>, kStreams> layouts_;
	std::vector<Slot> slots_;

	mutable std::mutex mutex_;
	std::condition_variable wake_;
	bool running_ = false;
	bool cancelled_ = false;
	bool disconnected_ = false;
	std::optional<Error> failure_;
	libcamera::ControlList pending_; /* for the next request, or for start() */
	unsigned int queued_ = 0;
	std::vector<unsigned int> waiting_; /* completed and not taken, oldest first */
	std::optional<unsigned int> last_;
	/* Since the camera was left without a buffer: who had them, whether log_ was told. */
	std::optional<std::string> starved_;
	bool told_ = false;
	CameraStatistics statistics_{};
};

} /* namespace cmacam */

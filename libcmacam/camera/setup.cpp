/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One use of a libcamera camera: taking it, agreeing on streams, giving it back.
 */

#include "session.h"

#include <cerrno>
#include <cstring>

#include <cmacam/last_error.h>
#include <cmacam/libcamera.h>

#include "controls.h"
#include "manager.h"

namespace cmacam {

namespace {

bool isWanted(const StreamOptions &options)
{
	return !options.format.empty() || options.width || options.height;
}

void ask(libcamera::StreamConfiguration *stream, const StreamOptions &options, unsigned int buffers)
{
	if (!options.format.empty()) {
		stream->pixelFormat = libcamera::PixelFormat::fromString(options.format);
		/* That of the default format need not fit this one. */
		stream->colorSpace.reset();
	}
	if (options.width && options.height)
		stream->size = {options.width, options.height};
	if (buffers)
		stream->bufferCount = buffers;
}

std::string describe(const libcamera::CameraConfiguration &config)
{
	std::string text;
	for (const libcamera::StreamConfiguration &stream : config)
		text += (text.empty() ? "" : " and ") + stream.toString() + " in " +
			std::to_string(stream.bufferCount) + " buffers";

	return text;
}

} /* namespace */

/* libcamera has an errno; the driver has a sentence with the numbers. */
Error Camera::Session::failed(const std::string &what, int ret) const
{
	std::string text = what + ": " + std::strerror(-ret);
	if (const std::string reason = lastError(id_); !reason.empty())
		text += ": " + reason;

	return {-ret, text};
}

Result<void> Camera::Session::open(const CameraOptions &options)
{
	policy_ = options.policy;
	log_ = options.log;
	if (Result<void> result = acquire(options.id); !result)
		return result;
	if (Result<void> result = configure(options); !result)
		return result;
	if (Result<void> result = makeSlots(); !result)
		return result;

	for (const NamedValue &control : options.controls) {
		if (Result<void> result = set(control.name, control.value); !result)
			return result;
	}

	return {};
}

Result<void> Camera::Session::acquire(const std::string &id)
{
	auto manager = sharedManager();
	if (!manager)
		return manager.error();
	manager_ = *std::move(manager);

	const auto cameras = manager_->cameras();
	std::shared_ptr<libcamera::Camera> camera;
	if (!id.empty())
		camera = manager_->get(id);
	else if (!cameras.empty())
		camera = cameras.front();

	if (!camera)
		return Error{ENODEV, id.empty() ? std::string("there is no camera")
						: "there is no camera '" + id + "'"};

	const int ret = camera->acquire();
	if (ret == -EBUSY)
		return Error{EBUSY, "camera '" + camera->id() +
					    "' is in use, by another program or in this one"};
	if (ret < 0)
		return Error{-ret,
			     "camera '" + camera->id() + "' cannot be had: " + std::strerror(-ret)};

	id_ = camera->id();
	camera_ = std::move(camera);
	camera_->requestCompleted.connect(this, &Session::completed);
	camera_->disconnected.connect(this, &Session::disconnected);

	return {};
}

Result<void> Camera::Session::configure(const CameraOptions &options)
{
	std::vector<libcamera::StreamRole> roles{libcamera::StreamRole::Viewfinder};
	if (isWanted(options.lores))
		roles.insert(roles.begin(), libcamera::StreamRole::VideoRecording);

	config_ = camera_->generateConfiguration(roles);
	if (!config_ || config_->size() != roles.size())
		return Error{EINVAL, "the camera does not have " + std::to_string(roles.size()) +
					     (roles.size() == 1 ? " stream" : " streams at once")};

	ask(&config_->at(0), options.main, options.buffers);
	if (roles.size() > 1)
		ask(&config_->at(1), options.lores, options.buffers);

	const std::string wanted = describe(*config_);
	if (config_->validate() != libcamera::CameraConfiguration::Valid)
		return Error{EINVAL, "the camera does not do " + wanted + ", the nearest is " +
					     describe(*config_)};

	if (const int ret = camera_->configure(config_.get()); ret < 0)
		return failed("cannot configure " + wanted, ret);

	return {};
}

Result<void> Camera::Session::makeSlots()
{
	allocator_ = std::make_unique<libcamera::FrameBufferAllocator>(camera_);

	for (std::size_t i = 0; i < config_->size(); i++) {
		const libcamera::StreamConfiguration &config =
			config_->at(static_cast<unsigned>(i));
		if (const int ret = allocator_->allocate(config.stream()); ret < 0)
			return failed("cannot allocate " + std::to_string(config.bufferCount) +
					      " buffers of " + std::to_string(config.frameSize) +
					      " bytes",
				      ret);

		const auto &buffers = allocator_->buffers(config.stream());
		if (!i || buffers.size() < slots_.size())
			slots_.resize(buffers.size());

		for (std::size_t j = 0; j < slots_.size(); j++) {
			Result<FrameLayout> layout = layoutOf(config, *buffers[j]);
			if (!layout)
				return layout.error();
			Result<MappingPair> pixels = MappingPair::map(*layout);
			if (!pixels)
				return pixels.error();
			slots_[j].pixels[i].emplace(*std::move(pixels));

			for (PlaneLayout &plane : layout->planes)
				plane.fd = -1;
			layouts_[i] = *std::move(layout);

			if (!i)
				slots_[j].request = camera_->createRequest(j);
			if (!slots_[j].request)
				return Error{ENOMEM, "cannot create a request"};
			if (const int ret =
				    slots_[j].request->addBuffer(config.stream(), buffers[j].get());
			    ret < 0)
				return failed("cannot add a buffer to a request", ret);
		}
	}
	waiting_.reserve(slots_.size());

	return {};
}

/*
 * In this order: requests and buffers must be gone before the camera is, and
 * must not go while it runs. Mappings stay, for there may be frames.
 */
void Camera::Session::close()
{
	if (!camera_)
		return;

	static_cast<void>(stop());
	camera_->requestCompleted.disconnect(this);
	camera_->disconnected.disconnect(this);
	{
		std::lock_guard lock(mutex_);
		for (Slot &slot : slots_)
			slot.request.reset();
	}
	allocator_.reset();
	config_.reset();
	camera_->release();
	camera_.reset();
	manager_.reset();
}

const FrameLayout *Camera::Session::layout(Stream stream) const
{
	const auto &layout = layouts_[static_cast<std::size_t>(stream)];
	return layout ? &*layout : nullptr;
}

std::vector<ControlRange> Camera::Session::controls() const
{
	std::vector<ControlRange> ranges;
	for (const auto &[id, info] : camera_->controls())
		ranges.push_back({id->name(), fromLibcamera(info.min()), fromLibcamera(info.max()),
				  fromLibcamera(info.def())});

	return ranges;
}

} /* namespace cmacam */

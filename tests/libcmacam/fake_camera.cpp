/* SPDX-License-Identifier: MIT */
/* A camera of libcamera without a board: the test says what becomes of each request. */

#include "fake_camera.h"

#include <algorithm>
#include <array>
#include <set>
#include <stdexcept>
#include <sys/mman.h>
#include <unistd.h>

#include <libcamera/control_ids.h>
#include <libcamera/formats.h>
#include <libcamera/property_ids.h>
#include <libcamera/stream.h>

#include "libcamera/internal/camera.h"
#include "libcamera/internal/framebuffer.h"
#include "libcamera/internal/media_device.h"
#include "libcamera/internal/pipeline_handler.h"
#include "libcamera/internal/request.h"

using namespace libcamera;

namespace {

FakeCamera *plugged;

const SizeRange kSizes{{16, 16}, {640, 480}};

class FakeData : public Camera::Private
{
public:
	explicit FakeData(PipelineHandler *pipe) : Camera::Private(pipe)
	{
		controlInfo_ = ControlInfoMap(
			{
				{&controls::Brightness, ControlInfo(-1.0F, 1.0F, 0.0F)},
				{&controls::FrameDurationLimits,
				 ControlInfo(int64_t{10000}, int64_t{100000}, int64_t{20000})},
			},
			controls::controls);
	}

	std::array<libcamera::Stream, 2> streams;
};

class FakeConfiguration : public CameraConfiguration
{
public:
	Status validate() override
	{
		Status status = Valid;

		for (StreamConfiguration &stream : config_) {
			const Size size = stream.size.boundedTo(kSizes.max).expandedTo(kSizes.min);

			if (size != stream.size || stream.pixelFormat != formats::R8)
				status = Adjusted;
			stream.size = size;
			stream.pixelFormat = formats::R8;
			stream.stride = size.width;
			stream.frameSize = stream.stride * size.height;
		}
		return config_.empty() ? Invalid : status;
	}
};

} /* namespace */

class FakeHandler : public PipelineHandler
{
public:
	explicit FakeHandler(CameraManager *manager) : PipelineHandler(manager) {}

	~FakeHandler() override
	{
		if (plugged && plugged->handler_ == this)
			plugged->handler_ = nullptr;
	}

	bool match([[maybe_unused]] DeviceEnumerator *enumerator) override
	{
		if (!plugged || plugged->handler_ || plugged->unplugged_)
			return false;

		plugged->handler_ = this;
		auto data = std::make_unique<FakeData>(this);
		const std::set<libcamera::Stream *> streams = {&data->streams[0],
							       &data->streams[1]};
		const auto camera = Camera::create(std::move(data), FakeCamera::kId, streams);
		registerCamera(camera);
		/* After that: PipelineHandler has set the nodes of its media devices. */
		camera->_d()->properties_.set(properties::SystemDevices,
					      Span<const int64_t>(plugged->devices));
		hotplugMediaDevice(plugged->media_);
		return true;
	}

	std::unique_ptr<CameraConfiguration>
	generateConfiguration([[maybe_unused]] Camera *camera,
			      Span<const StreamRole> roles) override
	{
		auto config = std::make_unique<FakeConfiguration>();

		for (size_t i = 0; i < roles.size(); i++) {
			StreamConfiguration stream(StreamFormats({{formats::R8, {kSizes}}}));
			stream.pixelFormat = formats::R8;
			stream.size = roles.size() == 1 ? kSizes.max : kSizes.max / 2;
			stream.bufferCount = FakeCamera::kBuffers;
			config->addConfiguration(stream);
		}
		config->validate();
		return config;
	}

	int configure(Camera *camera, CameraConfiguration *config) override
	{
		auto *data = static_cast<FakeData *>(camera->_d());

		for (unsigned int i = 0; i < config->size(); i++)
			config->at(i).setStream(&data->streams.at(i));
		return 0;
	}

	int exportFrameBuffers([[maybe_unused]] Camera *camera, libcamera::Stream *stream,
			       std::vector<std::unique_ptr<FrameBuffer>> *buffers) override
	{
		const unsigned int size = stream->configuration().frameSize;

		for (unsigned int i = 0; i < stream->configuration().bufferCount; i++) {
			UniqueFD memory(memfd_create("frame", MFD_CLOEXEC));
			if (!memory.isValid() || ftruncate(memory.get(), size) < 0)
				return -ENOMEM;
			buffers->push_back(std::make_unique<FrameBuffer>(std::vector{
				FrameBuffer::Plane{SharedFD(std::move(memory)), 0, size}}));
		}
		return static_cast<int>(buffers->size());
	}

	int start([[maybe_unused]] Camera *camera, const ControlList *controls) override
	{
		plugged->controls = controls ? *controls : ControlList();
		return 0;
	}

	void stopDevice([[maybe_unused]] Camera *camera) override { cancelAll(); }

	int queueRequestDevice([[maybe_unused]] Camera *camera, Request *request) override
	{
		/* Completing it now would be fatal to libcamera. */
		if (plugged->unplugged_) {
			if (plugged->lateRequest)
				plugged->lateRequest();
			return 0;
		}

		plugged->controls.merge(request->controls(),
					ControlList::MergePolicy::OverwriteExisting);
		plugged->requests_.push_back(request);
		return 0;
	}

	Request *oldest()
	{
		if (plugged->requests_.empty())
			throw std::logic_error("the camera has no request");
		Request *request = plugged->requests_.front();
		plugged->requests_.pop_front();
		return request;
	}

	void finish(uint32_t sequence, FakeCamera::Status main, FakeCamera::Status lores)
	{
		Request *request = oldest();
		const auto *data = static_cast<FakeData *>(request->_d()->camera()->_d());

		ControlList &metadata = request->_d()->metadata();
		metadata.set(controls::SensorTimestamp, int64_t{1000} * sequence);
		metadata.set(controls::FrameWallClock, int64_t{2000} * sequence);
		metadata.set(controls::ExposureTime, static_cast<int32_t>(3 + sequence));
		metadata.set(controls::FrameDuration, int64_t{40000});
		metadata.set(controls::AnalogueGain, 1.5F);
		metadata.set(controls::AeState, controls::AeStateConverged);
		if (const auto brightness = request->controls().get(controls::Brightness))
			metadata.set(controls::Brightness, *brightness);
		for (const auto &[stream, buffer] : request->buffers()) {
			FrameMetadata &frame = buffer->_d()->metadata();
			frame.sequence = sequence;
			frame.status = stream == &data->streams[0] ? main : lores;
			completeBuffer(request, buffer);
		}
		completeRequest(request);
	}

	void cancelOldest() { cancelRequest(oldest()); }

	void cancelAll()
	{
		while (!plugged->requests_.empty())
			cancelOldest();
	}

	void unplug()
	{
		cancelAll();
		/* PipelineHandler does the rest. */
		plugged->media_->disconnected.emit();
	}

	void call(const std::function<void()> &job) { job(); }
};

REGISTER_PIPELINE_HANDLER(FakeHandler, "fake")

FakeCamera::FakeCamera() : media_(std::make_shared<MediaDevice>("/dev/null"))
{
	plugged = this;
}

FakeCamera::~FakeCamera()
{
	plugged = nullptr;
}

void FakeCamera::run(const std::function<void()> &job)
{
	handler_->invokeMethod(&FakeHandler::call, ConnectionTypeBlocking, job);
}

void FakeCamera::post(const std::function<void()> &job)
{
	handler_->invokeMethod(&FakeHandler::call, ConnectionTypeQueued, job);
}

size_t FakeCamera::requests()
{
	size_t count = 0;
	run([&] { count = requests_.size(); });
	return count;
}

size_t FakeCamera::buffersOfNewest()
{
	size_t count = 0;
	run([&] { count = requests_.empty() ? 0 : requests_.back()->buffers().size(); });
	return count;
}

void FakeCamera::finish(uint32_t sequence, Status main, Status lores)
{
	run([&] { handler_->finish(sequence, main, lores); });
}

void FakeCamera::cancel()
{
	run([&] { handler_->cancelOldest(); });
}

bool FakeCamera::tryFinish(uint32_t sequence)
{
	if (requests_.empty())
		return false;
	handler_->finish(sequence, Status::FrameSuccess, Status::FrameSuccess);
	return true;
}

void FakeCamera::unplug()
{
	unplugged_ = true;
	handler_->unplug();
}

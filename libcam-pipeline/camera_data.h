/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One cmacam camera: its devices, and the way of a frame through them.
 */

#pragma once

#include <map>
#include <memory>
#include <vector>

#include <libcamera/base/timer.h>

#include <libcamera/framebuffer.h>
#include <libcamera/pixel_format.h>
#include <libcamera/stream.h>

#include "libcamera/internal/camera.h"
#include "libcamera/internal/camera_sensor.h"
#include "libcamera/internal/mapped_framebuffer.h"
#include "libcamera/internal/v4l2_videodevice.h"

#include "capture_device.h"
#include "frame_join.h"
#include "sensor_controls.h"

namespace libcamera {

class MediaDevice;

class CmacamCameraData : public Camera::Private
{
public:
	/* Buffers that may be queued to the device at a time. */
	static constexpr unsigned int kMaxQueued = 16;

	CmacamCameraData(PipelineHandler *pipe, std::shared_ptr<MediaDevice> media);
	~CmacamCameraData() override;

	int init();

	int configure(const V4L2DeviceFormat &format);
	int exportBuffers(unsigned int count, std::vector<std::unique_ptr<FrameBuffer>> *buffers);
	int start(const ControlList *controls);
	void stop();
	int queueRequest(Request *request);

	const std::string &id() const { return sensor_->id(); }
	const std::map<PixelFormat, std::vector<SizeRange>> &formats() const { return formats_; }
	CameraSensor *sensor() { return sensor_.get(); }
	V4L2VideoDevice *video() { return video_.get(); }
	Stream *stream() { return &stream_; }

private:
	int initFormats();
	int updateControls();

	int startMetadata();
	void stopMetadata();

	void videoReady(FrameBuffer *buffer);
	void metadataReady(FrameBuffer *buffer);
	void completeFrames();
	void completeLateFrames();
	void complete(const CmacamFrameJoin::Frame &frame);
	void cancelQueued();
	void unplug();
	void remove();

	int report(int ret);

	std::shared_ptr<MediaDevice> media_;
	std::unique_ptr<CameraSensor> sensor_;
	std::unique_ptr<CmacamSensorControls> controls_;
	std::unique_ptr<CmacamCaptureDevice> video_;
	std::unique_ptr<V4L2VideoDevice> metadata_;
	Stream stream_;

	std::map<PixelFormat, std::vector<SizeRange>> formats_;

	std::vector<std::unique_ptr<FrameBuffer>> metadataBuffers_;
	std::map<const FrameBuffer *, MappedFrameBuffer> metadataMaps_;

	CmacamFrameJoin join_;
	Timer recordTimer_;
	uint32_t sequenceBase_;

	bool failed_;
	bool unplugged_;
	bool removed_;
};

} /* namespace libcamera */

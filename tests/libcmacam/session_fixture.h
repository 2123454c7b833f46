/* SPDX-License-Identifier: MIT */
/* A fixture with a camera that needs no board, for the tests of libcmacam/session. */

#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <gtest/gtest.h>
#include <libcamera/camera.h>
#include <libcamera/camera_manager.h>

#include "camera_offer.h"
#include "fake_camera.h"
#include "manager.h"
#include "stream_buffers.h"
#include "stream_configurations.h"
#include "streams.h"

namespace cmacam {

/*
 * Members are destroyed in the reverse order of their declaration: configurations, camera,
 * libcamera, and the FakeCamera last.
 */
class SessionTest : public testing::Test
{
protected:
	~SessionTest() override
	{
		if (camera_)
			camera_->release();
	}

	void SetUp() override
	{
		Result<std::shared_ptr<libcamera::CameraManager>> manager = sharedManager();
		ASSERT_TRUE(manager) << manager.error().what;
		manager_ = *std::move(manager);
		camera_ = manager_->get(FakeCamera::kId);
		ASSERT_TRUE(camera_);
	}

	/* Acquires the camera, and configures @streams. */
	void configure(const std::vector<Stream> &streams)
	{
		ASSERT_EQ(camera_->acquire(), 0);
		StreamConfigurations configurations(camera_);
		auto applied = configurations.apply(streams);
		ASSERT_TRUE(applied) << applied.error().what;
		configs_ = *std::move(applied);
	}

	std::shared_ptr<StreamBuffers> allocate(Stream which)
	{
		auto buffers = StreamBuffers::allocate(camera_, configs_[which]);
		EXPECT_TRUE(buffers) << buffers.error().what;
		return *std::move(buffers);
	}

	FakeCamera fake_;
	std::shared_ptr<libcamera::CameraManager> manager_;
	std::shared_ptr<libcamera::Camera> camera_;
	PerStream<libcamera::StreamConfiguration> configs_;
};

} /* namespace cmacam */

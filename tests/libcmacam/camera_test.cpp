/* SPDX-License-Identifier: MIT */
/*
 * Camera beside another user of libcamera in the process, where libcamera itself
 * would abort.
 */

#include <cerrno>
#include <gtest/gtest.h>
#include <libcamera/camera_manager.h>
#include <memory>

#include <cmacam/camera.h>

TEST(Camera, AnotherUserOfLibcameraIsAnErrorInWords)
{
	auto other = std::make_unique<libcamera::CameraManager>();
	for (const cmacam::Error &error :
	     {cmacam::Camera::list().error(), cmacam::Camera::open().error()}) {
		EXPECT_EQ(error.code, EBUSY);
		EXPECT_NE(error.what.find("already uses libcamera"), std::string::npos)
			<< error.what;
	}

	other.reset();
	const auto cameras = cmacam::Camera::list();
	ASSERT_TRUE(cameras) << cameras.error().what;
	EXPECT_TRUE(cmacam::Camera::list()) << "ours is no other user";
}

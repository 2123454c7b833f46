/* SPDX-License-Identifier: MIT */
/*
 * Camera::open() with options that a camera without a board does not support.
 */
#include <cerrno>

#include <cmacam/camera.h>
#include <gtest/gtest.h>

#include "session_fixture.h"

namespace cmacam {
namespace {

class CameraOpenTest : public SessionTest
{
protected:
	static Error refusal(const CameraOptions &options)
	{
		const Result<Camera> camera = Camera::open(options);
		EXPECT_FALSE(camera);
		return camera ? Error{} : camera.error();
	}
};

TEST_F(CameraOpenTest, AnUnknownFormatIsAnErrorThatListsTheKnown)
{
	CameraOptions main;
	main.main.format = "NV13";
	CameraOptions lores;
	lores.lores.format = "NV13";

	for (const CameraOptions &options : {main, lores}) {
		const Error error = refusal(options);
		EXPECT_EQ(error.code, EINVAL);
		EXPECT_EQ(error.what,
			  "there is no pixel format 'NV13'; the formats of this stream are R8");
	}
}

TEST_F(CameraOpenTest, AFormatThatTheCameraDoesNotHaveIsAnErrorToo)
{
	CameraOptions options;
	options.main.format = "NV12";

	const Error error = refusal(options);
	EXPECT_EQ(error.code, EINVAL);
	EXPECT_NE(error.what.find("the nearest that it can deliver is 640x480-R8"),
		  std::string::npos)
		<< error.what;
}

} /* namespace */
} /* namespace cmacam */

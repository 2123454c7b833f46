/* SPDX-License-Identifier: MIT */
/*
 * The last error of each camera is kept by its id.
 */

#include <gtest/gtest.h>

#include "cmacam/last_error.h"
#include "error_log.h"

TEST(LastError, KeptPerCamera)
{
	EXPECT_EQ(cmacam::lastError("a"), "");

	libcamera::setCmacamLastError("a", "needs 12 MiB");
	libcamera::setCmacamLastError("b", "no such size");
	EXPECT_EQ(cmacam::lastError("a"), "needs 12 MiB");
	EXPECT_EQ(cmacam::lastError("b"), "no such size");

	libcamera::setCmacamLastError("a", "");
	EXPECT_EQ(cmacam::lastError("a"), "");
	EXPECT_EQ(cmacam::lastError("b"), "no such size");
}

TEST(LastError, ASentenceThatComesLateReplacesNoNewerError)
{
	const unsigned int loss = libcamera::cmacamLastErrorChanges("a");
	libcamera::setCmacamLastErrorOf("a", loss, "frames are lost");
	EXPECT_EQ(cmacam::lastError("a"), "frames are lost");

	const unsigned int next = libcamera::cmacamLastErrorChanges("a");
	libcamera::setCmacamLastError("b", "no such size");
	libcamera::setCmacamLastErrorOf("a", next, "frames are lost again");
	EXPECT_EQ(cmacam::lastError("a"), "frames are lost again");

	const unsigned int third = libcamera::cmacamLastErrorChanges("a");
	libcamera::setCmacamLastError("a", "the engine hangs");
	libcamera::setCmacamLastErrorOf("a", third, "frames are lost");
	EXPECT_EQ(cmacam::lastError("a"), "the engine hangs");

	const unsigned int fourth = libcamera::cmacamLastErrorChanges("a");
	libcamera::setCmacamLastError("a", "");
	libcamera::setCmacamLastErrorOf("a", fourth, "frames are lost");
	EXPECT_EQ(cmacam::lastError("a"), "") << "the frames come again";
}

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

/* The sentence of a loss becomes known some time after the loss. */
TEST(LastError, TheNewestErrorCounts)
{
	const unsigned int loss = libcamera::nextCmacamError();
	libcamera::setCmacamLossError("a", loss, "frames are lost");
	EXPECT_EQ(cmacam::lastError("a"), "frames are lost");

	libcamera::setCmacamLastError("a", "the engine hangs");
	EXPECT_EQ(cmacam::lastError("a"), "the engine hangs");
	libcamera::setCmacamLossError("a", loss, "frames are lost, process 7 holds 2");
	EXPECT_EQ(cmacam::lastError("a"), "the engine hangs") << "of an older loss";

	libcamera::setCmacamLossError("a", libcamera::nextCmacamError(), "frames are lost again");
	EXPECT_EQ(cmacam::lastError("a"), "frames are lost again");
	libcamera::setCmacamLastError("a", "the engine hangs");
	EXPECT_EQ(cmacam::lastError("a"), "the engine hangs") << "for the second time";
}

TEST(LastError, ALossAndAnOperationEndByThemselves)
{
	libcamera::setCmacamLastError("a", "the engine hangs");
	libcamera::setCmacamLossError("a", libcamera::nextCmacamError(), "frames are lost");
	libcamera::setCmacamLastError("a", "");
	EXPECT_EQ(cmacam::lastError("a"), "frames are lost");

	libcamera::setCmacamLastError("a", "the engine hangs");
	libcamera::clearCmacamLossError("a");
	EXPECT_EQ(cmacam::lastError("a"), "the engine hangs");
	libcamera::setCmacamLastError("a", "");
	EXPECT_EQ(cmacam::lastError("a"), "");
}

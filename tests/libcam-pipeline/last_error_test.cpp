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

TEST(LastError, AnAdditionIsForTheErrorItBelongsTo)
{
	libcamera::setCmacamLastError("a", "frames are lost");
	libcamera::extendCmacamLastError("a", "frames are lost", ", process 7 holds 2");
	EXPECT_EQ(cmacam::lastError("a"), "frames are lost, process 7 holds 2");

	libcamera::setCmacamLastError("a", "the engine hangs");
	libcamera::extendCmacamLastError("a", "frames are lost", ", process 7 holds 2");
	EXPECT_EQ(cmacam::lastError("a"), "the engine hangs");

	libcamera::setCmacamLastError("a", "");
	libcamera::extendCmacamLastError("a", "", "nobody");
	EXPECT_EQ(cmacam::lastError("a"), "");
}

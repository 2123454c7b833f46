/* SPDX-License-Identifier: MIT */
/*
 * Requests that are kept until the hardware starts.
 */

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "quiet_start.h"

using libcamera::CmacamQuietStart;

namespace {

/* Never looked into. */
libcamera::Request *request(std::uintptr_t number)
{
	return reinterpret_cast<libcamera::Request *>(number);
}

} /* namespace */

TEST(QuietStart, NothingIsKeptOutsideOfAStart)
{
	CmacamQuietStart start;
	EXPECT_FALSE(start.isWaiting());
	start.begin(2);
	EXPECT_TRUE(start.isWaiting());
	start.end();
	EXPECT_FALSE(start.isWaiting());
}

TEST(QuietStart, TheLastOneIsTold)
{
	CmacamQuietStart start;
	start.begin(3);
	EXPECT_FALSE(start.add(request(1)));
	EXPECT_FALSE(start.add(request(2)));
	EXPECT_TRUE(start.add(request(3)));
	EXPECT_EQ(start.end(), (std::vector{request(1), request(2), request(3)}));
}

TEST(QuietStart, FewerWillDo)
{
	CmacamQuietStart start;
	start.begin(4);
	EXPECT_FALSE(start.add(request(1)));
	EXPECT_EQ(start.end(), std::vector{request(1)});
	EXPECT_TRUE(start.end().empty());
}

TEST(QuietStart, ASessionForgetsTheOneBefore)
{
	CmacamQuietStart start;
	start.begin(2);
	start.add(request(1));
	start.begin(2);
	EXPECT_FALSE(start.add(request(2)));
	EXPECT_EQ(start.end(), std::vector{request(2)});
}

/* SPDX-License-Identifier: MIT */
/*
 * What an errno of libcamera means for the stream.
 */
#include <cerrno>

#include <gtest/gtest.h>

#include "driver_error.h"

namespace cmacam::gst {
namespace {

using Kind = Error::Kind;

TEST(DriverError, ACameraThatHasGoneIsLostWhateverWasTried)
{
	EXPECT_EQ(kindOf(-ENODEV, Kind::Open), Kind::Lost);
	EXPECT_EQ(kindOf(-ENODEV, Kind::Settings), Kind::Lost);
}

TEST(DriverError, OtherNumbers)
{
	EXPECT_EQ(kindOf(-ENOMEM, Kind::Open), Kind::NoSpace);
	EXPECT_EQ(kindOf(-EINVAL, Kind::Settings), Kind::Settings);
	EXPECT_EQ(kindOf(-EIO, Kind::Open), Kind::Open);
}

} /* namespace */
} /* namespace cmacam::gst */

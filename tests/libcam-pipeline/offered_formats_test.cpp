/* SPDX-License-Identifier: MIT */
/*
 * A process of the desktop sees no grey formats, and all others see every format.
 */

#include "offered_formats.h"

#include <gtest/gtest.h>

#include <libcamera/formats.h>

namespace formats = libcamera::formats;

using libcamera::PixelFormat;
using libcamera::Size;
using libcamera::SizeRange;

TEST(OfferedFormats, GreyOnesAreMissingOnRequestOnly)
{
	std::map<PixelFormat, std::vector<SizeRange>> all;
	for (const PixelFormat &format :
	     {formats::R8, formats::R10, formats::SRGGB10, formats::NV12, formats::YUYV})
		all[format] = {SizeRange(Size(16, 16), Size(64, 48))};
	ASSERT_EQ(all.begin()->first, formats::R8) << "the first of the list is another by now";

	EXPECT_EQ(cmacam::offeredFormats(all), all);

	/* For the rest of the process: no other test of this program lists formats. */
	cmacam::offerColourOnly();
	const auto offered = cmacam::offeredFormats(all);
	EXPECT_EQ(offered.size(), 3U);
	EXPECT_FALSE(offered.contains(formats::R8) || offered.contains(formats::R10));
	EXPECT_EQ(offered.at(formats::NV12), all.at(formats::NV12));
}

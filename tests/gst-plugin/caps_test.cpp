/* SPDX-License-Identifier: MIT */
/*
 * Caps: every format survives the way from libcamera to GStreamer and back.
 */
#include "caps.h"

#include <cstring>

#include <gst/allocators/gstdmabuf.h>
#include <gtest/gtest.h>
#include <libcamera/formats.h>

namespace cmacam::gst {
namespace {

CameraOffer offerOf(std::vector<libcamera::PixelFormat> formats)
{
	CameraOffer offer;

	for (const libcamera::PixelFormat &format : formats)
		offer.formats.push_back({format, libcamera::SizeRange({16, 16}, {3840, 2160}, 2, 2),
					 libcamera::StreamRole::Viewfinder,
					 libcamera::ColorSpace::Rec709});
	offer.defaultFormat = formats.back();
	offer.defaultSize = {640, 480};
	offer.minDuration = std::chrono::microseconds(33334);
	offer.maxDuration = std::chrono::microseconds(999999);

	return offer;
}

CapsPtr parse(const char *text)
{
	return CapsPtr(gst_caps_from_string(text));
}

TEST(Caps, EveryFormatSurvivesTheRoundTrip)
{
	for (const FormatInfo &format : formats()) {
		const CameraOffer offer = offerOf({libcamera::PixelFormat(format.drm)});
		const CapsPtr caps = fixateCaps(offerCaps(offer), offer);
		ASSERT_TRUE(gst_caps_is_fixed(caps.get())) << format.name;

		const auto settings = settingsFromCaps(caps.get());
		ASSERT_TRUE(settings) << format.name;
		EXPECT_EQ(settings->format, libcamera::PixelFormat(format.drm));
		EXPECT_EQ(settings->size, libcamera::Size(640, 480));
	}
}

TEST(Caps, NamesAgreeWithGStreamersOwn)
{
	for (const FormatInfo &format : formats()) {
		if (format.bayer)
			continue;

		EXPECT_STREQ(gst_video_format_to_string(videoFormat(format)), format.gstreamer);
		EXPECT_EQ(gst_video_format_get_info(videoFormat(format))->n_planes,
			  format.planeCount);
	}
}

TEST(Caps, TheTemplateCoversEveryOffer)
{
	std::vector<libcamera::PixelFormat> all;
	for (const FormatInfo &format : formats())
		all.push_back(libcamera::PixelFormat(format.drm));

	const CapsPtr offered = offerCaps(offerOf(all));
	/* Once plain, and all but the two Bayer formats once more as DMA_DRM. */
	EXPECT_EQ(gst_caps_get_size(offered.get()), 2 * all.size() - 2);
	EXPECT_TRUE(gst_caps_is_subset(offered.get(), templateCaps().get()));
}

TEST(Caps, TheCamerasDefaultComesFirst)
{
	const CameraOffer offer = offerOf({libcamera::formats::R8, libcamera::formats::NV12});
	const CapsPtr caps = offerCaps(offer);

	EXPECT_STREQ(gst_structure_get_string(gst_caps_get_structure(caps.get(), 0), "format"),
		     "NV12");
}

TEST(Caps, PlainCapsComeBeforeDmaDrm)
{
	const CapsPtr caps = offerCaps(offerOf({libcamera::formats::R8, libcamera::formats::NV12}));

	ASSERT_EQ(gst_caps_get_size(caps.get()), 4u);
	for (guint i = 0; i < 4; i++)
		EXPECT_EQ(gst_caps_features_contains(gst_caps_get_features(caps.get(), i),
						     GST_CAPS_FEATURE_MEMORY_DMABUF),
			  i >= 2);
}

/* What a peer reads out of the caps with GStreamer's own parser. */
TEST(Caps, DmaDrmCapsAreGStreamersOwn)
{
	for (const FormatInfo &format : formats()) {
		if (format.bayer)
			continue;

		const CameraOffer offer = offerOf({libcamera::PixelFormat(format.drm)});
		const CapsPtr wanted = parse("video/x-raw(memory:DMABuf)");
		const CapsPtr caps = fixateCaps(
			CapsPtr(gst_caps_intersect(wanted.get(), offerCaps(offer).get())), offer);
		GstVideoInfoDmaDrm info;

		ASSERT_TRUE(gst_video_info_dma_drm_from_caps(&info, caps.get())) << format.name;
		EXPECT_EQ(info.drm_fourcc, format.drm);
		EXPECT_EQ(info.drm_modifier, 0u);
		EXPECT_TRUE(wantsDmabufs(caps.get()));
		EXPECT_EQ(strchr(gst_structure_get_string(gst_caps_get_structure(caps.get(), 0),
							  "drm-format"),
				 ':'),
			  nullptr)
			<< "linear is written without a modifier";

		const auto settings = settingsFromCaps(caps.get());
		ASSERT_TRUE(settings) << format.name;
		EXPECT_EQ(settings->format, libcamera::PixelFormat(format.drm));
	}
}

TEST(Caps, ATiledFormatIsNotOurs)
{
	EXPECT_FALSE(settingsFromCaps(parse("video/x-raw(memory:DMABuf),format=DMA_DRM,"
					    "drm-format=NV12:0x0100000000000002,width=64,height=48")
					      .get()));
}

/* V4L2's BGR24 is libcamera's RGB888, DRM's RG24 and GStreamer's BGR. */
TEST(Caps, TheTableAgreesWithDrm)
{
	EXPECT_STREQ(findFormat(libcamera::formats::RGB888)->gstreamer, "BGR");

	for (const FormatInfo &format : formats()) {
		const GstVideoFormat theirs = gst_video_dma_drm_format_to_gst_format(format.drm, 0);
		/* Of single-component formats DRM and GStreamer agree about one. */
		if (theirs != GST_VIDEO_FORMAT_UNKNOWN) {
			EXPECT_EQ(theirs, videoFormat(format)) << format.name;
		}
	}
}

TEST(Caps, PlanesHaveGStreamersShapes)
{
	constexpr libcamera::Size kSize{64, 48};

	for (const FormatInfo &format : formats()) {
		if (format.bayer)
			continue;

		GstVideoInfo info;
		gst_video_info_set_format(&info, videoFormat(format), kSize.width, kSize.height);
		const unsigned int stride = info.stride[0];
		for (size_t i = 0; i < format.planeCount; i++)
			EXPECT_EQ(format.planeStride(i, stride),
				  static_cast<unsigned int>(info.stride[i]))
				<< format.name << " plane " << i;
	}
}

TEST(Caps, ColoursAreTheCameras)
{
	using libcamera::ColorSpace;
	const auto colours = [](const libcamera::PixelFormat &format, const ColorSpace &space) {
		CameraOffer offer = offerOf({format});
		offer.formats[0].colorSpace = space;
		const CapsPtr caps = offerCaps(offer);
		const gchar *text = gst_structure_get_string(gst_caps_get_structure(caps.get(), 0),
							     "colorimetry");
		return std::string(text ? text : "none");
	};

	EXPECT_EQ(colours(libcamera::formats::NV12, ColorSpace::Rec709),
		  GST_VIDEO_COLORIMETRY_BT709);
	EXPECT_EQ(colours(libcamera::formats::NV12, ColorSpace::Smpte170m), "2:4:5:4");
	EXPECT_EQ(colours(libcamera::formats::RGB888, ColorSpace::Srgb),
		  GST_VIDEO_COLORIMETRY_SRGB);
	EXPECT_EQ(colours(libcamera::formats::RGB888, ColorSpace::Rec709), "none")
		<< "RGB has no YCbCr matrix";
	EXPECT_EQ(colours(libcamera::formats::SRGGB10, ColorSpace::Raw), "none");
}

TEST(Caps, FormatsUnknownToGStreamerAreNotOffered)
{
	const CapsPtr caps =
		offerCaps(offerOf({libcamera::formats::NV12, libcamera::formats::SRGGB10_CSI2P}));
	EXPECT_EQ(gst_caps_get_size(caps.get()), 2u);
}

TEST(Caps, OddAndOversizedFramesAreNotOffered)
{
	const CapsPtr caps = offerCaps(offerOf({libcamera::formats::NV12}));

	for (const char *good : {"video/x-raw,width=3840,height=2160", "video/x-raw,width=16"})
		EXPECT_TRUE(gst_caps_can_intersect(caps.get(), parse(good).get())) << good;
	for (const char *bad : {"video/x-raw,width=3842", "video/x-raw,width=641",
				"video/x-raw,height=14", "video/x-bayer"})
		EXPECT_FALSE(gst_caps_can_intersect(caps.get(), parse(bad).get())) << bad;
}

/* 33334 us, what a sensor's line length makes of 30 frames/s; 999999 us, of 1. */
TEST(Caps, ARoundedFrameDurationStillOffersItsRate)
{
	const CapsPtr caps = offerCaps(offerOf({libcamera::formats::NV12}));

	EXPECT_TRUE(gst_caps_can_intersect(caps.get(), parse("video/x-raw,framerate=30/1").get()));
	EXPECT_TRUE(gst_caps_can_intersect(caps.get(), parse("video/x-raw,framerate=1/1").get()));
	EXPECT_FALSE(gst_caps_can_intersect(caps.get(), parse("video/x-raw,framerate=31/1").get()));
}

TEST(Caps, TheRateIsThirtyOrTheNearest)
{
	const auto rate = [](gint64 min, gint64 max) {
		CameraOffer offer = offerOf({libcamera::formats::NV12});
		offer.minDuration = std::chrono::microseconds(min);
		offer.maxDuration = std::chrono::microseconds(max);
		gint numerator = 0, denominator = 1;
		const CapsPtr caps = fixateCaps(offerCaps(offer), offer);
		gst_structure_get_fraction(gst_caps_get_structure(caps.get(), 0), "framerate",
					   &numerator, &denominator);
		return double(numerator) / denominator;
	};

	EXPECT_EQ(rate(8333, 1000000), 30);
	EXPECT_EQ(rate(33334, 1000000), 30);
	EXPECT_EQ(rate(50000, 1000000), 20);
	EXPECT_EQ(rate(40000, 40000), 25);
	EXPECT_EQ(rate(8333, 16667), 60);
	EXPECT_NEAR(rate(35000, 36000), 28.571, 0.01);
}

TEST(Caps, ACameraWithoutFrameDurationsOffersAnyRate)
{
	CameraOffer offer = offerOf({libcamera::formats::NV12});
	offer.minDuration = offer.maxDuration = {};

	EXPECT_TRUE(gst_caps_can_intersect(offerCaps(offer).get(),
					   parse("video/x-raw,framerate=240/1").get()));
}

TEST(Caps, FramerateBecomesMicroseconds)
{
	const auto ntsc = settingsFromCaps(
		parse("video/x-raw,format=NV12,width=64,height=48,framerate=30000/1001").get());
	ASSERT_TRUE(ntsc);
	EXPECT_EQ(ntsc->frameDuration.count(), 33367);

	const auto variable = settingsFromCaps(
		parse("video/x-raw,format=NV12,width=64,height=48,framerate=0/1").get());
	ASSERT_TRUE(variable);
	EXPECT_EQ(variable->frameDuration.count(), 0);
}

TEST(Caps, ForeignCapsAreRefused)
{
	EXPECT_FALSE(settingsFromCaps(parse("video/x-raw,format=YV12,width=64,height=48").get()));
	EXPECT_FALSE(settingsFromCaps(parse("video/x-bayer,format=NV12,width=64,height=48").get()));
	EXPECT_FALSE(settingsFromCaps(parse("video/x-raw,format=NV12,height=48").get()));
}

TEST(Caps, TheOfferInWords)
{
	EXPECT_EQ(describeOffer(offerOf({libcamera::formats::NV12, libcamera::formats::SRGGB10})),
		  "NV12 16x16 to 3840x2160, rggb10le 16x16 to 3840x2160, "
		  "at most 30 frames per second");
}

TEST(Caps, RowsOfABayerFrame)
{
	const FormatInfo *format = findFormat(libcamera::formats::SRGGB10);
	const std::vector<PlaneRows> rows = defaultRows(*format, {642, 480});

	ASSERT_EQ(rows.size(), 1u);
	EXPECT_EQ(rows[0].bytes, 1284u);
	EXPECT_EQ(rows[0].stride, 1284u);
	EXPECT_EQ(rows[0].rows, 480u);
	EXPECT_EQ(defaultSize(*format, {642, 480}), 1284u * 480);
}

/* A plane's width in bytes, as GStreamer counts it, for every row of the table. */
TEST(Caps, RowsAreAsWideAsGStreamers)
{
	for (const FormatInfo &format : formats()) {
		if (format.bayer)
			continue;

		GstVideoInfo info;
		ASSERT_TRUE(gst_video_info_set_format(&info, videoFormat(format), 640, 480));
		const std::vector<PlaneRows> rows = defaultRows(format, {640, 480});
		for (size_t i = 0; i < rows.size(); i++)
			EXPECT_EQ(rows[i].bytes, guint(info.stride[i])) << format.name;
	}
}

TEST(Caps, RowsOfAnNv12FrameAreGStreamers)
{
	const FormatInfo *format = findFormat(libcamera::formats::NV12);
	const std::vector<PlaneRows> rows = defaultRows(*format, {642, 480});

	ASSERT_EQ(rows.size(), 2u);
	EXPECT_EQ(rows[0].stride, 644u);
	EXPECT_EQ(rows[1].offset, 644u * 480);
	EXPECT_EQ(rows[1].bytes, 642u);
	EXPECT_EQ(rows[1].rows, 240u);
}

} /* namespace */
} /* namespace cmacam::gst */

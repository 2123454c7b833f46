/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The caps that follow from the table of formats and from what a camera offers.
 */
#include "caps.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <gst/allocators/gstdmabuf.h>
#include <libcamera/color_space.h>

namespace cmacam::gst {

namespace {

constexpr unsigned int kPreferredRate = 30;

void setRange(GstStructure *structure, const char *field, unsigned int min, unsigned int max,
	      unsigned int step)
{
	if (min == max) {
		gst_structure_set(structure, field, G_TYPE_INT, min, nullptr);
		return;
	}

	/* GStreamer's ranges start at a multiple of the step. */
	if (step == 0 || min % step || max % step)
		step = 1;

	GValue range = G_VALUE_INIT;
	g_value_init(&range, GST_TYPE_INT_RANGE);
	gst_value_set_int_range_step(&range, min, max, step);
	gst_structure_take_value(structure, field, &range);
}

/*
 * libcamera rounds frame durations to microseconds. The range is widened by
 * that much, lest the camera's own 30/1 lie outside it.
 */
void setRates(GstStructure *structure, const CameraOffer &offer)
{
	const gint64 min = offer.minDuration.count();
	const gint64 max = offer.maxDuration.count();

	if (min <= 1 || max <= 0 || max >= G_MAXINT) {
		gst_structure_set(structure, "framerate", GST_TYPE_FRACTION_RANGE, 0, 1, G_MAXINT,
				  1, nullptr);
		return;
	}

	gst_structure_set(structure, "framerate", GST_TYPE_FRACTION_RANGE, 1000000,
			  static_cast<gint>(max + 1), 1000000, static_cast<gint>(min - 1), nullptr);
}

/* libcamera's fourccs are DRM's; a linear one is written without a modifier. */
StringPtr drmName(const FormatInfo &format)
{
	return StringPtr(
		gst_video_dma_drm_fourcc_to_string(libcamera::PixelFormat(format.drm).fourcc(), 0));
}

enum class Flavour { Plain, DmaDrm };

GstStructure *named(const FormatInfo &format, Flavour flavour)
{
	if (flavour == Flavour::Plain)
		return gst_structure_new(mediaType(format), "format", G_TYPE_STRING,
					 format.gstreamer, nullptr);

	return gst_structure_new(mediaType(format), "format", G_TYPE_STRING, kDmaDrm, "drm-format",
				 G_TYPE_STRING, drmName(format).get(), nullptr);
}

void append(GstCaps *caps, Flavour flavour, GstStructure *structure)
{
	GstCapsFeatures *features = nullptr;

	if (flavour == Flavour::DmaDrm)
		features =
			gst_caps_features_new_static_str(GST_CAPS_FEATURE_MEMORY_DMABUF, nullptr);
	gst_caps_append_structure_full(caps, structure, features);
}

GstVideoColorimetry colorimetryOf(const libcamera::ColorSpace &space)
{
	using libcamera::ColorSpace;
	GstVideoColorimetry result = {
		.range = space.range == ColorSpace::Range::Limited ? GST_VIDEO_COLOR_RANGE_16_235
								   : GST_VIDEO_COLOR_RANGE_0_255,
		.matrix = GST_VIDEO_COLOR_MATRIX_RGB,
		.transfer = GST_VIDEO_TRANSFER_UNKNOWN,
		.primaries = GST_VIDEO_COLOR_PRIMARIES_UNKNOWN,
	};

	switch (space.ycbcrEncoding) {
	case ColorSpace::YcbcrEncoding::None:
		break;
	case ColorSpace::YcbcrEncoding::Rec601:
		result.matrix = GST_VIDEO_COLOR_MATRIX_BT601;
		break;
	case ColorSpace::YcbcrEncoding::Rec709:
		result.matrix = GST_VIDEO_COLOR_MATRIX_BT709;
		break;
	case ColorSpace::YcbcrEncoding::Rec2020:
		result.matrix = GST_VIDEO_COLOR_MATRIX_BT2020;
		break;
	}

	switch (space.transferFunction) {
	case ColorSpace::TransferFunction::Linear:
		result.transfer = GST_VIDEO_TRANSFER_GAMMA10;
		break;
	case ColorSpace::TransferFunction::Srgb:
		result.transfer = GST_VIDEO_TRANSFER_SRGB;
		break;
	case ColorSpace::TransferFunction::Rec709:
		result.transfer = GST_VIDEO_TRANSFER_BT709;
		break;
	}

	switch (space.primaries) {
	case ColorSpace::Primaries::Raw:
		break;
	case ColorSpace::Primaries::Smpte170m:
		result.primaries = GST_VIDEO_COLOR_PRIMARIES_SMPTE170M;
		break;
	case ColorSpace::Primaries::Rec709:
		result.primaries = GST_VIDEO_COLOR_PRIMARIES_BT709;
		break;
	case ColorSpace::Primaries::Rec2020:
		result.primaries = GST_VIDEO_COLOR_PRIMARIES_BT2020;
		break;
	}

	return result;
}

/*
 * Only where it says something true: Bayer has none, and RGB with a YCbCr
 * matrix, or the other way round, would be refused by every parser of caps.
 */
void setColorimetry(GstStructure *structure, const FormatInfo &format,
		    const FormatOffer &formatOffer)
{
	if (videoFormat(format) == GST_VIDEO_FORMAT_ENCODED || !formatOffer.colorSpace)
		return;

	const GstVideoColorimetry colorimetry = colorimetryOf(*formatOffer.colorSpace);
	const bool rgb =
		GST_VIDEO_FORMAT_INFO_IS_RGB(gst_video_format_get_info(videoFormat(format)));
	if (rgb != (colorimetry.matrix == GST_VIDEO_COLOR_MATRIX_RGB))
		return;

	const StringPtr text(gst_video_colorimetry_to_string(&colorimetry));
	if (text)
		gst_structure_set(structure, "colorimetry", G_TYPE_STRING, text.get(), nullptr);
}

GstStructure *offerStructure(const FormatInfo &format, Flavour flavour,
			     const FormatOffer &formatOffer, const CameraOffer &offer)
{
	const libcamera::SizeRange &sizes = formatOffer.sizes;
	GstStructure *structure = named(format, flavour);

	setRange(structure, "width", sizes.min.width, sizes.max.width, sizes.hStep);
	setRange(structure, "height", sizes.min.height, sizes.max.height, sizes.vStep);
	setRates(structure, offer);
	setColorimetry(structure, format, formatOffer);

	return structure;
}

/* 30 frames per second, or what is nearest, as a whole number if it is one but for rounding. */
std::pair<gint, gint> preferredRate(const CameraOffer &offer)
{
	const gint64 wanted = 1000000 / kPreferredRate;
	const gint64 min = offer.minDuration.count() - 1;
	const gint64 max = offer.maxDuration.count() + 1;

	if (offer.maxDuration.count() <= 0 || (wanted >= min && wanted <= max))
		return {kPreferredRate, 1};

	const gint64 bound = wanted < min ? offer.minDuration.count() : offer.maxDuration.count();
	const gint64 rate = (1000000 + bound / 2) / bound;
	if (rate > 0 && std::abs(1000000 / rate - bound) <= 1)
		return {static_cast<gint>(rate), 1};
	return {1000000, static_cast<gint>(bound)};
}

} /* namespace */

CapsPtr templateCaps()
{
	CapsPtr caps(gst_caps_new_empty());

	for (Flavour flavour : {Flavour::Plain, Flavour::DmaDrm}) {
		for (const FormatInfo &format : formats()) {
			if (flavour == Flavour::DmaDrm && !hasDmaDrm(format))
				continue;
			GstStructure *structure = named(format, flavour);
			gst_structure_set(structure, "width", GST_TYPE_INT_RANGE, 1, G_MAXINT,
					  "height", GST_TYPE_INT_RANGE, 1, G_MAXINT, "framerate",
					  GST_TYPE_FRACTION_RANGE, 0, 1, G_MAXINT, 1, nullptr);
			append(caps.get(), flavour, structure);
		}
	}

	return caps;
}

/*
 * Plain caps first: an application that knows nothing of DMA_DRM shall not be
 * offered it ahead of what it understands. The memory is the same.
 */
CapsPtr offerCaps(const CameraOffer &offer)
{
	CapsPtr caps(gst_caps_new_empty());
	std::vector<FormatOffer> formats = offer.formats;

	std::stable_partition(formats.begin(), formats.end(), [&](const FormatOffer &o) {
		return o.format == offer.defaultFormat;
	});

	for (Flavour flavour : {Flavour::Plain, Flavour::DmaDrm}) {
		for (const FormatOffer &formatOffer : formats) {
			const FormatInfo *format = findFormat(formatOffer.format);
			if (!format || (flavour == Flavour::DmaDrm && !hasDmaDrm(*format)))
				continue;
			append(caps.get(), flavour,
			       offerStructure(*format, flavour, formatOffer, offer));
		}
	}

	return caps;
}

std::string describeOffer(const CameraOffer &offer)
{
	std::string text;

	for (const FormatOffer &formatOffer : offer.formats) {
		const FormatInfo *format = findFormat(formatOffer.format);
		if (!format)
			continue;

		text += (text.empty() ? "" : ", ") + std::string(format->gstreamer) + " " +
			formatOffer.sizes.min.toString() + " to " +
			formatOffer.sizes.max.toString();
	}

	if (const auto shortest = offer.minDuration.count(); shortest > 0)
		text += ", at most " + std::to_string((1000000 + shortest / 2) / shortest) +
			" frames per second";

	return text;
}

CapsPtr fixateCaps(CapsPtr caps, const CameraOffer &offer)
{
	caps.reset(gst_caps_truncate(caps.release()));
	caps.reset(gst_caps_make_writable(caps.release()));

	GstStructure *structure = gst_caps_get_structure(caps.get(), 0);
	if (const FormatInfo *preferred = findFormat(offer.defaultFormat))
		gst_structure_fixate_field_string(structure, "format", preferred->gstreamer);
	gst_structure_fixate_field_nearest_int(structure, "width", offer.defaultSize.width);
	gst_structure_fixate_field_nearest_int(structure, "height", offer.defaultSize.height);
	const auto [numerator, denominator] = preferredRate(offer);
	gst_structure_fixate_field_nearest_fraction(structure, "framerate", numerator, denominator);

	return CapsPtr(gst_caps_fixate(caps.release()));
}

CapsPtr fixateStillCaps(const GstCaps *wanted, CameraOffer offer)
{
	const auto withoutRate = [](const GstCaps *caps) {
		CapsPtr copy(gst_caps_copy(caps));
		for (guint i = 0; i < gst_caps_get_size(copy.get()); i++)
			gst_structure_remove_field(gst_caps_get_structure(copy.get(), i),
						   "framerate");
		return copy;
	};

	const CapsPtr possible = withoutRate(offerCaps(offer).get());
	CapsPtr caps(gst_caps_intersect_full(withoutRate(wanted).get(), possible.get(),
					     GST_CAPS_INTERSECT_FIRST));
	if (gst_caps_is_empty(caps.get()))
		return nullptr;

	caps.reset(gst_caps_make_writable(caps.release()));
	gst_caps_set_simple(caps.get(), "framerate", GST_TYPE_FRACTION, 0, 1, nullptr);
	offer.defaultSize = {G_MAXINT, G_MAXINT};
	return fixateCaps(std::move(caps), offer);
}

std::optional<StreamSettings> settingsFromCaps(const GstCaps *caps)
{
	const GstStructure *structure = gst_caps_get_structure(caps, 0);
	const FormatInfo *format = findFormat(structure);
	gint width, height, numerator, denominator;

	if (!format || !gst_structure_get_int(structure, "width", &width) ||
	    !gst_structure_get_int(structure, "height", &height) || width <= 0 || height <= 0)
		return std::nullopt;

	StreamSettings settings = {
		.format = libcamera::PixelFormat(format->drm),
		.size = libcamera::Size(width, height),
	};
	if (gst_structure_get_fraction(structure, "framerate", &numerator, &denominator) &&
	    numerator > 0)
		settings.frameDuration = std::chrono::microseconds(
			gst_util_uint64_scale_int_round(1000000, denominator, numerator));

	return settings;
}

bool wantsDmabufs(const GstCaps *caps)
{
	return gst_caps_features_contains(gst_caps_get_features(caps, 0),
					  GST_CAPS_FEATURE_MEMORY_DMABUF);
}

} /* namespace cmacam::gst */

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a camera offers on each of its streams.
 */
#include "camera_offer.h"

#include <algorithm>
#include <memory>
#include <string>

#include <libcamera/control_ids.h>
#include <libcamera/controls.h>

namespace cmacam {

namespace {

using libcamera::StreamRole;
using Roles = std::vector<StreamRole>;

constexpr unsigned int kStillBuffers = 2;

/*
 * Requests whose last role is the one that is asked for. The first decides what
 * an unconstrained consumer gets. Of two streams one at most is raw, and that
 * is main.
 */
std::vector<Roles> rolesOf(const libcamera::Camera &camera, Stream which)
{
	if (which == Stream::Main)
		return {{StreamRole::Viewfinder}, {StreamRole::Raw}};
	if (camera.streams().size() > 1)
		return {{StreamRole::Viewfinder, StreamRole::Viewfinder}};
	return {{StreamRole::Viewfinder}};
}

/* The formats of @role that the offer does not have yet. */
void addFormats(CameraOffer &offer, libcamera::CameraConfiguration &config,
		libcamera::StreamConfiguration &stream, StreamRole role)
{
	const libcamera::StreamFormats formats = stream.formats();

	for (const libcamera::PixelFormat &format : formats.pixelformats()) {
		const bool known =
			std::any_of(offer.formats.begin(), offer.formats.end(),
				    [&](const FormatOffer &o) { return o.format == format; });
		if (known)
			continue;

		/* The colours of a format are known once it is validated. */
		stream.pixelFormat = format;
		stream.colorSpace.reset();
		config.validate();
		offer.formats.push_back({format, formats.range(format), role, stream.colorSpace});
	}
}

} /* namespace */

void StreamSettings::applyTo(libcamera::StreamConfiguration &config) const
{
	if (format.isValid()) {
		config.pixelFormat = format;
		/* That of the default format need not fit this one. */
		config.colorSpace.reset();
	}
	if (!size.isNull())
		config.size = size;
	if (buffers)
		config.bufferCount = buffers;
	config.bufferCount += extraBuffers;
}

bool StreamSettings::isMetBy(const libcamera::StreamConfiguration &config) const
{
	return (!format.isValid() || config.pixelFormat == format) &&
	       (size.isNull() || config.size == size) &&
	       (!buffers || config.bufferCount == buffers + extraBuffers);
}

std::string describe(const libcamera::StreamConfiguration &config)
{
	return config.toString() + " in " + std::to_string(config.bufferCount) + " buffers";
}

StreamRole CameraOffer::roleOf(const libcamera::PixelFormat &format) const
{
	const auto offer = std::find_if(formats.begin(), formats.end(),
					[&](const FormatOffer &o) { return o.format == format; });

	return offer != formats.end() ? offer->role : StreamRole::Viewfinder;
}

StreamSettings CameraOffer::forStills(const StreamSettings &wanted) const
{
	const libcamera::PixelFormat format =
		wanted.format.isValid() ? wanted.format : defaultFormat;
	StreamSettings settings = wanted;

	settings.role = StreamRole::StillCapture;
	settings.buffers = kStillBuffers;
	for (const FormatOffer &offer : formats)
		if (settings.size.isNull() && offer.format == format)
			settings.size = offer.sizes.max;
	return settings;
}

CameraOffer readOffer(libcamera::Camera &camera, Stream which)
{
	CameraOffer offer;

	for (const Roles &roles : rolesOf(camera, which)) {
		std::unique_ptr<libcamera::CameraConfiguration> config =
			camera.generateConfiguration(roles);
		if (!config || config->size() != roles.size())
			continue;

		libcamera::StreamConfiguration &stream = config->at(roles.size() - 1);
		if (offer.formats.empty()) {
			offer.defaultFormat = stream.pixelFormat;
			offer.defaultSize = stream.size;
		}
		addFormats(offer, *config, stream, roles.back());
	}

	const auto limits = camera.controls().find(&libcamera::controls::FrameDurationLimits);
	if (limits != camera.controls().end()) {
		offer.minDuration = std::chrono::microseconds(limits->second.min().get<int64_t>());
		offer.maxDuration = std::chrono::microseconds(limits->second.max().get<int64_t>());
	}

	return offer;
}

} /* namespace cmacam */

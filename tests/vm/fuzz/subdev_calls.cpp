/* SPDX-License-Identifier: MIT */
#include "subdev_calls.h"

#include <linux/media-bus-format.h>

namespace fuzz {

namespace {

uint32_t activeOrTry(Random &random)
{
	return random.percent(70) ? V4L2_SUBDEV_FORMAT_ACTIVE : V4L2_SUBDEV_FORMAT_TRY;
}

v4l2_rect rectangle(Random &random)
{
	return {static_cast<int32_t>(random.below(4000)) - 100,
		static_cast<int32_t>(random.below(3000)) - 100, random.below(4000),
		random.below(3000)};
}

} /* namespace */

SubdevCalls::SubdevCalls(const Context &context, CallList &calls) : CallGroup(context, calls)
{
	addIoctl("VIDIOC_SUBDEV_QUERYCAP", 4, &SubdevCalls::queryCapabilities);
	addIoctl("VIDIOC_SUBDEV_ENUM_MBUS_CODE", 5, &SubdevCalls::enumerateCodes);
	addIoctl("VIDIOC_SUBDEV_ENUM_FRAME_SIZE", 5, &SubdevCalls::enumerateSizes);
	addIoctl("VIDIOC_SUBDEV_G_FMT", 5, &SubdevCalls::getFormat);
	addIoctl("VIDIOC_SUBDEV_S_FMT", 5, &SubdevCalls::setFormat);
	addIoctl("VIDIOC_SUBDEV_G_SELECTION", 6, &SubdevCalls::getSelection);
	addIoctl("VIDIOC_SUBDEV_S_SELECTION", 8, &SubdevCalls::setSelection);
	addIoctl("VIDIOC_SUBDEV_G_CROP", 5, &SubdevCalls::getCrop);
	addIoctl("VIDIOC_SUBDEV_S_CROP", 5, &SubdevCalls::setCrop);
	addIoctl("VIDIOC_SUBDEV_G_CLIENT_CAP", 4, &SubdevCalls::getClient);
	addIoctl("VIDIOC_SUBDEV_S_CLIENT_CAP", 4, &SubdevCalls::setClient);
}

long SubdevCalls::queryCapabilities(Random &random)
{
	v4l2_subdev_capability capability{};
	return send(random, Kind::Sensor, VIDIOC_SUBDEV_QUERYCAP, capability);
}

long SubdevCalls::enumerateCodes(Random &random)
{
	v4l2_subdev_mbus_code_enum code{};
	code.index = random.below(2);
	code.which = activeOrTry(random);
	return send(random, Kind::Sensor, VIDIOC_SUBDEV_ENUM_MBUS_CODE, code);
}

long SubdevCalls::enumerateSizes(Random &random)
{
	v4l2_subdev_frame_size_enum size{};
	size.index = random.percent(80) ? 0 : 1;
	size.code = random.percent(80) ? MEDIA_BUS_FMT_SRGGB10_1X10 : MEDIA_BUS_FMT_Y8_1X8;
	size.which = activeOrTry(random);
	return send(random, Kind::Sensor, VIDIOC_SUBDEV_ENUM_FRAME_SIZE, size);
}

long SubdevCalls::sendFormat(Random &random, unsigned long request)
{
	v4l2_subdev_format format{};
	format.which = activeOrTry(random);
	format.format.width = random.below(4000);
	format.format.height = random.below(3000);
	format.format.code = MEDIA_BUS_FMT_SRGGB10_1X10;
	return send(random, Kind::Sensor, request, format);
}

long SubdevCalls::getFormat(Random &random)
{
	return sendFormat(random, VIDIOC_SUBDEV_G_FMT);
}

long SubdevCalls::setFormat(Random &random)
{
	return sendFormat(random, VIDIOC_SUBDEV_S_FMT);
}

long SubdevCalls::sendSelection(Random &random, unsigned long request)
{
	static constexpr std::array<uint32_t, 6> targets = {
		V4L2_SEL_TGT_CROP,	   V4L2_SEL_TGT_CROP,	     V4L2_SEL_TGT_CROP_BOUNDS,
		V4L2_SEL_TGT_CROP_DEFAULT, V4L2_SEL_TGT_NATIVE_SIZE, V4L2_SEL_TGT_COMPOSE};
	v4l2_subdev_selection selection{};
	selection.which = activeOrTry(random);
	selection.target = random.pick(targets);
	selection.flags = random.below(V4L2_SEL_FLAG_KEEP_CONFIG * 2);
	selection.r = rectangle(random);
	return send(random, Kind::Sensor, request, selection);
}

long SubdevCalls::getSelection(Random &random)
{
	return sendSelection(random, VIDIOC_SUBDEV_G_SELECTION);
}

long SubdevCalls::setSelection(Random &random)
{
	return sendSelection(random, VIDIOC_SUBDEV_S_SELECTION);
}

long SubdevCalls::sendCrop(Random &random, unsigned long request)
{
	v4l2_subdev_crop crop{};
	crop.which = activeOrTry(random);
	crop.rect = rectangle(random);
	return send(random, Kind::Sensor, request, crop);
}

long SubdevCalls::getCrop(Random &random)
{
	return sendCrop(random, VIDIOC_SUBDEV_G_CROP);
}

long SubdevCalls::setCrop(Random &random)
{
	return sendCrop(random, VIDIOC_SUBDEV_S_CROP);
}

long SubdevCalls::getClient(Random &random)
{
	v4l2_subdev_client_capability client{};
	return send(random, Kind::Sensor, VIDIOC_SUBDEV_G_CLIENT_CAP, client);
}

long SubdevCalls::setClient(Random &random)
{
	v4l2_subdev_client_capability client{};
	client.capabilities = random.below(4);
	return send(random, Kind::Sensor, VIDIOC_SUBDEV_S_CLIENT_CAP, client);
}

} /* namespace fuzz */

/* SPDX-License-Identifier: MIT */
#include "format_calls.h"

#include <algorithm>
#include <sys/ioctl.h>

#include "mutation.h"

namespace fuzz {

namespace {

/* See limits.h. The driver reduces a larger width or height to the sensor's. */
void limitFrame(v4l2_format &format)
{
	if (format.type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
		return;
	v4l2_pix_format &pix = format.fmt.pix;
	const uint32_t width = std::clamp(pix.width, 16u, 8192u);
	pix.height = std::min(pix.height, kMaxPixels / width);
	if (uint64_t{pix.bytesperline} * pix.height > kMaxBufferBytes)
		pix.bytesperline = 0;
}

} /* namespace */

FormatCalls::FormatCalls(const Context &context, CallList &calls) : CallGroup(context, calls)
{
	addIoctl("VIDIOC_QUERYCAP", 5, &FormatCalls::queryCapabilities);
	addIoctl("VIDIOC_ENUM_FMT", 7, &FormatCalls::enumerateFormats);
	addIoctl("VIDIOC_G_FMT", 7, &FormatCalls::getFormat);
	addIoctl("VIDIOC_S_FMT", 12, &FormatCalls::setFormat);
	addIoctl("VIDIOC_TRY_FMT", 8, &FormatCalls::tryFormat);
	addIoctl("VIDIOC_ENUM_FRAMESIZES", 7, &FormatCalls::enumerateSizes);
	addIoctl("VIDIOC_ENUM_FRAMEINTERVALS", 7, &FormatCalls::enumerateIntervals);
	addIoctl("VIDIOC_G_SELECTION", 6, &FormatCalls::getSelection);
	addIoctl("VIDIOC_CROPCAP", 5, &FormatCalls::getCropLimits);
	addIoctl("VIDIOC_G_PARM", 6, &FormatCalls::getParameters);
	addIoctl("VIDIOC_S_PARM", 6, &FormatCalls::setParameters);
	addIoctl("VIDIOC_ENUMINPUT", 4, &FormatCalls::enumerateInputs);
	addIoctl("VIDIOC_G_INPUT", 4, &FormatCalls::getInput);
	addIoctl("VIDIOC_S_INPUT", 4, &FormatCalls::setInput);
	addIoctl("VIDIOC_G_PRIORITY", 4, &FormatCalls::getPriority);
	addIoctl("VIDIOC_S_PRIORITY", 4, &FormatCalls::setPriority);
	/* Each call writes up to 20 lines into the kernel's log. */
	addIoctl("VIDIOC_LOG_STATUS", 2, &FormatCalls::logStatus);
}

uint32_t FormatCalls::pixels(Random &random, Kind kind) const
{
	const auto &formats = context_.offers.formats(kind);
	return formats.empty() ? 0 : random.pick(formats).pixels;
}

v4l2_frmsize_discrete FormatCalls::size(Random &random, Kind kind) const
{
	/* Small frames, so that the time goes into calls and not into pixels. */
	if (!random.percent(15))
		return {16 + 2 * random.below(152), 16 + 2 * random.below(112)};

	std::vector<v4l2_frmsize_discrete> listed;
	for (const PictureFormat &format : context_.offers.formats(kind))
		for (const v4l2_frmsize_discrete &size : format.sizes)
			if (size.width * size.height <= kMaxPixels)
				listed.push_back(size);
	return listed.empty() ? v4l2_frmsize_discrete{} : random.pick(listed);
}

v4l2_format FormatCalls::wantedFormat(Random &random, Kind kind) const
{
	v4l2_format format{};
	format.type = bufferType(kind);
	if (format.type == V4L2_BUF_TYPE_META_CAPTURE) {
		format.fmt.meta.buffersize = random.below(kMaxRecordBytes);
		return format;
	}
	const v4l2_frmsize_discrete wanted = size(random, kind);
	format.fmt.pix.width = wanted.width;
	format.fmt.pix.height = wanted.height;
	format.fmt.pix.pixelformat = pixels(random, kind);
	if (random.percent(20))
		format.fmt.pix.bytesperline = random.below(kMaxLineBytes);
	limitFrame(format);
	return format;
}

long FormatCalls::queryCapabilities(Random &random)
{
	v4l2_capability capability{};
	return send(random, random.pick(kQueues), VIDIOC_QUERYCAP, capability);
}

long FormatCalls::enumerateFormats(Random &random)
{
	const Kind kind = random.pick(kQueues);
	v4l2_fmtdesc format{};
	format.type = bufferType(kind);
	format.index = random.below(context_.offers.formats(kind).size() + 2);
	return send(random, kind, VIDIOC_ENUM_FMT, format);
}

long FormatCalls::getFormat(Random &random)
{
	const Kind kind = random.pick(kQueues);
	v4l2_format format{};
	format.type = bufferType(kind);
	return send(random, kind, VIDIOC_G_FMT, format);
}

long FormatCalls::sendFormat(Random &random, unsigned long request)
{
	const Kind kind = random.pick(kQueues);
	v4l2_format format = wantedFormat(random, kind);
	return send(random, kind, request, format, [&] { limitFrame(format); });
}

long FormatCalls::setFormat(Random &random)
{
	return sendFormat(random, VIDIOC_S_FMT);
}

long FormatCalls::tryFormat(Random &random)
{
	return sendFormat(random, VIDIOC_TRY_FMT);
}

long FormatCalls::enumerateSizes(Random &random)
{
	const Kind kind = random.pick(kPictures);
	v4l2_frmsizeenum size{};
	size.pixel_format = pixels(random, kind);
	size.index = random.below(32);
	return send(random, kind, VIDIOC_ENUM_FRAMESIZES, size);
}

long FormatCalls::enumerateIntervals(Random &random)
{
	const Kind kind = random.pick(kPictures);
	const v4l2_frmsize_discrete wanted = size(random, kind);
	v4l2_frmivalenum interval{};
	interval.pixel_format = pixels(random, kind);
	interval.width = wanted.width;
	interval.height = wanted.height;
	interval.index = random.below(16);
	return send(random, kind, VIDIOC_ENUM_FRAMEINTERVALS, interval);
}

long FormatCalls::getSelection(Random &random)
{
	static constexpr std::array<uint32_t, 4> targets = {
		V4L2_SEL_TGT_CROP_BOUNDS, V4L2_SEL_TGT_CROP_DEFAULT, V4L2_SEL_TGT_CROP,
		V4L2_SEL_TGT_COMPOSE_BOUNDS};
	v4l2_selection selection{};
	selection.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	selection.target = random.pick(targets);
	return send(random, random.pick(kPictures), VIDIOC_G_SELECTION, selection);
}

long FormatCalls::getCropLimits(Random &random)
{
	v4l2_cropcap limits{};
	limits.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	return send(random, random.pick(kPictures), VIDIOC_CROPCAP, limits);
}

long FormatCalls::getParameters(Random &random)
{
	v4l2_streamparm parameters{};
	parameters.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	return send(random, random.pick(kPictures), VIDIOC_G_PARM, parameters);
}

long FormatCalls::setParameters(Random &random)
{
	v4l2_streamparm parameters{};
	parameters.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	v4l2_fract &interval = parameters.parm.capture.timeperframe;
	interval.numerator = random.percent(80) ? 1 : static_cast<uint32_t>(boundary(random));
	interval.denominator =
		random.percent(80) ? random.below(240) : static_cast<uint32_t>(boundary(random));
	return send(random, random.pick(kPictures), VIDIOC_S_PARM, parameters);
}

long FormatCalls::enumerateInputs(Random &random)
{
	v4l2_input input{};
	input.index = random.below(2);
	return send(random, random.pick(kQueues), VIDIOC_ENUMINPUT, input);
}

long FormatCalls::getInput(Random &random)
{
	int input = 0;
	return send(random, random.pick(kQueues), VIDIOC_G_INPUT, input);
}

long FormatCalls::setInput(Random &random)
{
	int input = random.percent(80) ? 0 : static_cast<int>(boundary(random));
	return send(random, random.pick(kQueues), VIDIOC_S_INPUT, input);
}

long FormatCalls::getPriority(Random &random)
{
	uint32_t priority = 0;
	return send(random, random.pick(kQueues), VIDIOC_G_PRIORITY, priority);
}

long FormatCalls::setPriority(Random &random)
{
	/* While a file has the highest priority, most calls on others fail. */
	uint32_t priority = V4L2_PRIORITY_INTERACTIVE;
	if (random.percent(10))
		priority = random.below(V4L2_PRIORITY_RECORD + 2);
	return send(random, random.pick(kQueues), VIDIOC_S_PRIORITY, priority);
}

long FormatCalls::logStatus(Random &random)
{
	const Kind kind = random.percent(25) ? Kind::Sensor : random.pick(kQueues);
	const int fd = random.percent(90) ? context_.descriptors.node(random, kind)
					  : context_.descriptors.wrong(random);
	return ioctl(fd, VIDIOC_LOG_STATUS);
}

} /* namespace fuzz */

/* SPDX-License-Identifier: MIT */
#include "offers.h"

#include <fcntl.h>
#include <linux/media.h>

#include "support/fd.h"

namespace fuzz {

namespace {

using support::Fd;
using support::tryControl;

std::vector<v4l2_frmsize_discrete> askSizes(const Fd &node, uint32_t pixels)
{
	std::vector<v4l2_frmsize_discrete> sizes;
	v4l2_frmsizeenum entry{};
	entry.pixel_format = pixels;
	for (; !tryControl(node, VIDIOC_ENUM_FRAMESIZES, &entry); entry.index++)
		sizes.push_back(entry.discrete);
	return sizes;
}

std::vector<PictureFormat> askFormats(const Fd &node)
{
	std::vector<PictureFormat> formats;
	v4l2_fmtdesc entry{};
	entry.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	for (; !tryControl(node, VIDIOC_ENUM_FMT, &entry); entry.index++)
		formats.push_back({entry.pixelformat, askSizes(node, entry.pixelformat)});
	return formats;
}

std::vector<Control> askControls(const Fd &node)
{
	std::vector<Control> controls;
	v4l2_query_ext_ctrl entry{};
	entry.id = V4L2_CTRL_FLAG_NEXT_CTRL;
	while (!tryControl(node, VIDIOC_QUERY_EXT_CTRL, &entry)) {
		if (entry.type != V4L2_CTRL_TYPE_CTRL_CLASS)
			controls.push_back({entry.id, entry.type, entry.minimum, entry.maximum,
					    entry.elem_size});
		entry.id |= V4L2_CTRL_FLAG_NEXT_CTRL;
	}
	return controls;
}

std::vector<uint32_t> askEntities(const Fd &media)
{
	std::vector<uint32_t> entities;
	media_entity_desc entry{};
	entry.id = MEDIA_ENT_ID_FLAG_NEXT;
	while (!tryControl(media, MEDIA_IOC_ENUM_ENTITIES, &entry)) {
		entities.push_back(entry.id);
		entry.id |= MEDIA_ENT_ID_FLAG_NEXT;
	}
	return entities;
}

} /* namespace */

Offers::Offers(const Nodes &nodes)
{
	for (const Kind kind : kPictures)
		formats_[indexOf(kind)] = askFormats(Fd::open(nodes.path(kind), O_RDWR));
	for (const Kind kind : kControlled)
		controls_[indexOf(kind)] = askControls(Fd::open(nodes.path(kind), O_RDWR));
	entities_ = askEntities(Fd::open(nodes.path(Kind::Media), O_RDWR));
}

} /* namespace fuzz */

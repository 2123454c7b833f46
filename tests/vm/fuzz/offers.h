/* SPDX-License-Identifier: MIT */
/* What the nodes offer: the fuzzer makes valid arguments from these enumerations. */
#pragma once

#include <array>
#include <cstdint>
#include <linux/videodev2.h>
#include <vector>

#include "nodes.h"

namespace fuzz {

struct PictureFormat
{
	uint32_t pixels; /* fourcc */
	std::vector<v4l2_frmsize_discrete> sizes;
};

struct Control
{
	uint32_t id;
	uint32_t type; /* V4L2_CTRL_TYPE_* */
	int64_t minimum;
	int64_t maximum;
	uint32_t bytes; /* size of its payload, for a string with the final 0 */
};

class Offers
{
public:
	/* Nothing is offered. */
	Offers() = default;
	/* Asks the nodes. */
	explicit Offers(const Nodes &nodes);

	/* Formats of a node with pictures. */
	const std::vector<PictureFormat> &formats(Kind kind) const
	{
		return formats_[indexOf(kind)];
	}
	const std::vector<Control> &controls(Kind kind) const { return controls_[indexOf(kind)]; }
	/* The entities of the media device. */
	const std::vector<uint32_t> &entities() const { return entities_; }

private:
	std::array<std::vector<PictureFormat>, kKinds> formats_;
	std::array<std::vector<Control>, kKinds> controls_;
	std::vector<uint32_t> entities_;
};

} /* namespace fuzz */

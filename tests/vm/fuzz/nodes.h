/* SPDX-License-Identifier: MIT */
/* The device nodes that the fuzzer calls. The fuzzer opens no other device. */
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>

namespace fuzz {

enum class Kind : uint32_t {
	Capture,
	Lores,
	Stats,
	Metadata,
	Sensor,
	Media,
	PartSync, /* /dev/vb2-cma */
	Heap,
};

constexpr size_t kKinds = 8;
constexpr std::array kAllKinds = {Kind::Capture, Kind::Lores, Kind::Stats,    Kind::Metadata,
				  Kind::Sensor,	 Kind::Media, Kind::PartSync, Kind::Heap};
/* Nodes with a buffer queue. */
constexpr std::array kQueues = {Kind::Capture, Kind::Lores, Kind::Stats, Kind::Metadata};
/* Nodes with pictures, which also have read(). */
constexpr std::array kPictures = {Kind::Capture, Kind::Lores};
/* Nodes with controls and events. */
constexpr std::array kControlled = {Kind::Capture, Kind::Lores, Kind::Stats, Kind::Sensor};

constexpr size_t indexOf(Kind kind)
{
	return static_cast<size_t>(kind);
}

/* The type of the buffers of a node with a queue (V4L2_BUF_TYPE_*). */
uint32_t bufferType(Kind kind);

class Nodes
{
public:
	/* No nodes: all paths are empty. */
	Nodes() = default;
	/* Finds the nodes of the first board. Throws if a node is missing. */
	static Nodes find();

	const std::string &path(Kind kind) const { return paths_[indexOf(kind)]; }
	/* The kind of a node with this device number, if it is one of these nodes. */
	std::optional<Kind> kindOf(dev_t device) const;

private:
	std::array<std::string, kKinds> paths_;
	std::array<dev_t, kKinds> devices_{};
};

} /* namespace fuzz */

/* SPDX-License-Identifier: MIT */
#include "nodes.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <linux/videodev2.h>
#include <stdexcept>
#include <sys/stat.h>
#include <vector>

#include "support/error.h"

namespace fuzz {

namespace {

namespace fs = std::filesystem;

struct VideoNode
{
	fs::path device; /* its folder in /sys */
	std::string path;
};

std::string firstLine(const fs::path &path)
{
	std::ifstream file(path);
	std::string line;
	std::getline(file, line);
	return line;
}

/* The node with this name. If several boards have one, the first board's. */
VideoNode videoNode(const std::string &name)
{
	std::vector<VideoNode> found;
	for (const fs::directory_entry &entry : fs::directory_iterator("/sys/class/video4linux"))
		if (firstLine(entry.path() / "name") == name)
			found.push_back({fs::canonical(entry.path() / "device"),
					 "/dev/" + entry.path().filename().string()});
	if (found.empty())
		throw std::runtime_error("no video4linux device is called " + name);
	return *std::min_element(
		found.begin(), found.end(),
		[](const VideoNode &a, const VideoNode &b) { return a.device < b.device; });
}

/* The media device of a board. Its folder lies in the folder of the board. */
std::string mediaNode(const fs::path &board)
{
	for (const fs::directory_entry &entry : fs::directory_iterator("/sys/bus/media/devices"))
		if (fs::canonical(entry.path()).parent_path() == board)
			return "/dev/" + entry.path().filename().string();
	throw std::runtime_error("the board has no media device");
}

dev_t deviceNumber(const std::string &path)
{
	struct stat status{};
	if (stat(path.c_str(), &status))
		support::fail(path);
	return status.st_rdev;
}

} /* namespace */

uint32_t bufferType(Kind kind)
{
	return kind == Kind::Capture || kind == Kind::Lores ? V4L2_BUF_TYPE_VIDEO_CAPTURE
							    : V4L2_BUF_TYPE_META_CAPTURE;
}

Nodes Nodes::find()
{
	const VideoNode capture = videoNode("cmacam-capture");
	Nodes nodes;
	nodes.paths_ = {capture.path,
			videoNode("cmacam-lores").path,
			videoNode("cmacam-stats").path,
			videoNode("cmacam-metadata").path,
			videoNode("cmacam-sensor").path,
			mediaNode(capture.device),
			"/dev/vb2-cma",
			"/dev/dma_heap/video-contiguous"};
	std::ranges::transform(nodes.paths_, nodes.devices_.begin(), deviceNumber);
	return nodes;
}

std::optional<Kind> Nodes::kindOf(dev_t device) const
{
	const auto found = std::ranges::find(devices_, device);
	if (!device || found == devices_.end())
		return {};
	return static_cast<Kind>(found - devices_.begin());
}

} /* namespace fuzz */

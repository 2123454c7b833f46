/* SPDX-License-Identifier: MIT */
/*
 * The command line of cmacam-board.
 */
#include "options.h"

#include <charconv>
#include <format>
#include <iostream>
#include <string_view>

#include <CLI/CLI.hpp>

#include "engine/sensor.h"

namespace cmacam::board {

namespace {

constexpr int kBadInput = 2;

/* "AxB" and the like: two numbers around one separator. */
bool parsePair(const std::string &text, char separator, uint32_t &first, uint32_t &second)
{
	const char *end = text.data() + text.size();

	const auto head = std::from_chars(text.data(), end, first);
	if (head.ec != std::errc() || head.ptr == end || *head.ptr != separator)
		return false;

	const auto tail = std::from_chars(head.ptr + 1, end, second);
	return tail.ec == std::errc() && tail.ptr == end;
}

void parseSensor(Capabilities &caps, const std::string &text)
{
	if (!parsePair(text, 'x', caps.sensorWidth, caps.sensorHeight) ||
	    !Sensor::supports(caps.sensorWidth, caps.sensorHeight))
		throw CLI::ValidationError(
			"--sensor",
			std::format(
				"'{}' is not a possible size: width and height must be even and at "
				"least {}, and the pixel rate at {} frames per second must fit "
				"into 32 bits; an example is 3840x2160",
				text, Sensor::kMinSize, Sensor::kFastest));
}

void parseVersion(Capabilities &caps, const std::string &text)
{
	if (!parsePair(text, '.', caps.versionMajor, caps.versionMinor) ||
	    caps.versionMajor > 0xffff || caps.versionMinor > 0xffff)
		throw CLI::ValidationError("--register-version",
					   std::format("'{}' is not a version: it must be two "
						       "numbers up to 65535, such as 2.0",
						       text));
}

void parseSetting(Settings &settings, const char *key, const std::string &text)
{
	if (const auto error = settings.set(key, text))
		throw CLI::ValidationError(std::string("--") + key, *error);
}

} /* namespace */

std::optional<Options> parseOptions(int argc, char **argv, int &status)
{
	Options options;
	Capabilities &caps = options.caps;
	CLI::App app("A PCIe camera board for QEMU, served over vfio-user.");

	const auto setting = [&](const char *key, const char *type, const char *help) {
		app.add_option_function<std::string>(
			   std::string("--") + key,
			   [&options, key](const std::string &text) {
				   parseSetting(options.settings, key, text);
			   },
			   help)
			->type_name(type)
			->default_str(options.settings.get(key).value());
	};

	app.add_option("--socket", options.socket, "path of the vfio-user socket for QEMU")
		->required()
		->type_name("PATH");
	app.add_option("--control", options.control, "path of the control port (a Unix socket)")
		->type_name("PATH");
	app.add_option("--log", options.log,
		       "log file; the board appends one line per finished or lost frame")
		->type_name("PATH");
	app.add_option("--source", options.source,
		       "live picture of the sensor: a moving pattern, a video file, or an image "
		       "file (PNG, JPEG, PPM)")
		->type_name("pattern|FILE")
		->capture_default_str();
	CLI::Option *once =
		app.add_flag("--once", options.once, "keep the last picture when the video ends");
	app.add_flag("--loop", "start the video again when it ends (default)")->excludes(once);
	setting("fps", "sensor|max|N",
		"frame rate: that of the sensor's registers, the highest possible rate, or N "
		"frames per second");
	setting("starved", "drop|hold",
		"if a channel has no DMA address: lose the frame, or delay the next frame");
	setting("mark", "off|frame|lines",
		"frame: write struct cmacam_mark over the first bytes of a frame; "
		"lines: also write the sequence number of the frame into every 64-byte line");
	setting("digest", "none|sha256", "log the hash of each frame in guest memory");
	setting("light", "STOPS",
		"light on the scene, -8 to 8; each additional stop doubles the light");
	setting("light-temperature", "K",
		"colour temperature of the light, 2000 to 10000: red is multiplied by 5500/K, "
		"and blue by K/5500");
	setting("flicker", "off|HZ,PERCENT",
		"light of lamps on the mains: HZ times a second, it rises and falls by PERCENT; "
		"100 Hz for mains of 50 Hz");
	app.add_option("--channels", caps.channels,
		       "number of channels: 1 is main, 2 adds lores, 3 adds statistics")
		->check(CLI::Range(1u, CMACAM_CH_COUNT))
		->type_name("N")
		->capture_default_str();
	app.add_option("--fifo", caps.fifoDepth, "number of entries of each address FIFO")
		->check(CLI::Range(1u, kMaxFifoDepth))
		->type_name("N")
		->capture_default_str();
	app.add_option_function<std::string>(
		   "--sensor", [&caps](const std::string &text) { parseSensor(caps, text); },
		   "size of the pixel array, pixels by lines")
		->type_name("WxH")
		->default_str("3840x2160");
	app.add_option("--address-bits", caps.addressBits, "number of bits of a DMA address")
		->check(CLI::IsMember({32u, 40u, 64u}))
		->type_name("32|40|64")
		->capture_default_str();
	app.add_option("--stride-align", caps.strideAlign,
		       "alignment of a stride, bytes; the alignment 1 packs the lines of a frame")
		->check(CLI::IsMember(
			{1u, 2u, 4u, 8u, 16u, 32u, 64u, 128u, 256u, 512u, 1024u, 2048u, 4096u}))
		->type_name("1|2|4|...|4096")
		->capture_default_str();
	app.add_option_function<std::string>(
		   "--register-version",
		   [&caps](const std::string &text) { parseVersion(caps, text); },
		   "value of the VERSION register")
		->type_name("MAJOR.MINOR")
		->default_str(std::format("{}.{}", caps.versionMajor, caps.versionMinor));
	CLI::Option *minicam =
		app.add_flag("--minicam", options.minicam,
			     "be the small capture card of docs/porting.md, which has neither a "
			     "sensor nor options for its registers");
	for (const char *name :
	     {"--light", "--light-temperature", "--flicker", "--channels", "--fifo", "--sensor",
	      "--address-bits", "--stride-align", "--register-version"})
		minicam->excludes(app.get_option(name));

	try {
		app.parse(argc, argv);
	} catch (const CLI::Success &help) {
		status = app.exit(help);
		return std::nullopt;
	} catch (const CLI::ParseError &error) {
		std::cerr << "cmacam-board: " << error.what() << "\n";
		status = kBadInput;
		return std::nullopt;
	}

	return options;
}

} /* namespace cmacam::board */

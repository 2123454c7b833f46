/* SPDX-License-Identifier: MIT */
/*
 * The command line of cmacam-board.
 */
#pragma once

#include <optional>
#include <string>

#include "engine/channel.h"
#include "engine/settings.h"

namespace cmacam::board {

struct Options
{
	std::string socket;
	std::string log;     /* empty: no log */
	std::string control; /* empty: no control port */
	std::string source = "pattern";
	bool once = false;
	bool minicam = false; /* the hardware is the small card of docs/porting.md */
	Capabilities caps;
	Settings settings;
};

/*
 * Parses the command line. If the command line has --help or an error, the function
 * prints the help or one sentence to standard error. Then it returns nothing, and the
 * program must exit with `status`.
 */
std::optional<Options> parseOptions(int argc, char **argv, int &status);

} /* namespace cmacam::board */

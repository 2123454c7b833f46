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
	Capabilities caps;
	Settings settings;
};

/*
 * Parses the command line. Returns nothing if the program must exit with `status`:
 * either --help was printed, or an error was printed as one sentence to standard error.
 */
std::optional<Options> parseOptions(int argc, char **argv, int &status);

} /* namespace cmacam::board */

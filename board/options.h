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
	std::string log;     /* empty: none */
	std::string control; /* empty: none */
	std::string source = "pattern";
	bool once = false;
	Capabilities caps;
	Settings settings;
};

/*
 * Nothing if the program has to end at once with `status`: after --help, or
 * after one sentence on standard error.
 */
std::optional<Options> parseOptions(int argc, char **argv, int &status);

} /* namespace cmacam::board */

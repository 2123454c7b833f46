/* SPDX-License-Identifier: MIT */
/*
 * A file with addresses of code that was executed, and with the places of our modules' sections,
 * which change when a module is loaded again. tests/vm/coverage.py reads these files.
 */
#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>

#include "pc_set.h"

namespace fuzz {

class CoverageFile
{
public:
	/* Notes where the sections of the modules that are loaded now are. */
	void noteSections();
	/* Writes a new file into a folder. */
	void write(const std::filesystem::path &folder, const PcSet &coverage) const;

private:
	struct Section
	{
		uint64_t address;
		std::string module;
		std::string name;

		auto operator<=>(const Section &) const = default;
	};

	std::set<Section> sections_;
};

} /* namespace fuzz */

/* SPDX-License-Identifier: MIT */
/* The choices of the user. */
#pragma once

#include <cstdint>
#include <string>

namespace fuzz {

struct Settings
{
	uint64_t seed = 1;
	uint32_t seconds = 0; /* 0: no limit */
	uint64_t calls = 0;   /* of all processes; 0: no limit */
	uint32_t processes = 3;
	uint32_t batchSeconds = 120; /* longest time for kBatchCalls calls */
	std::string kcov;	     /* folder for the coverage; empty: none */
};

} /* namespace fuzz */

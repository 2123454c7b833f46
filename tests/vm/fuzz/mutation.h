/* SPDX-License-Identifier: MIT */
/* Changes to valid arguments. */
#pragma once

#include <cstddef>
#include <span>

#include "random.h"

namespace fuzz {

/* Changes some bits or numbers of an argument. */
void mutate(Random &random, std::span<std::byte> argument);

/* A number at which code often goes wrong: 0, the largest and smallest ones, and around a page. */
uint64_t boundary(Random &random);

} /* namespace fuzz */

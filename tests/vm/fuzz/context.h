/* SPDX-License-Identifier: MIT */
/* What the calls of a process need. */
#pragma once

#include "arena.h"
#include "descriptors.h"
#include "ioctls.h"
#include "offers.h"
#include "plumbing.h"
#include "scratch.h"
#include "shared_state.h"

namespace fuzz {

struct Context
{
	const Offers &offers;
	Descriptors &descriptors;
	Arena &arena;
	Plumbing &plumbing;
	Scratch &scratch;
	Ioctls &ioctls;
	SharedState &shared;
};

} /* namespace fuzz */

/* SPDX-License-Identifier: MIT */
/* Addresses that are wrong for the argument of a call. */
#pragma once

#include <cstddef>
#include <span>

#include "random.h"
#include "support/fd.h"
#include "support/mapping.h"

namespace fuzz {

class BadMemory
{
public:
	BadMemory() : BadMemory(makeFile()) {}

	/*
	 * An address from which the kernel cannot read the argument, or to which it cannot write
	 * the argument. In some cases, the address has a copy of the argument, but is read-only,
	 * or the last bytes of the copy are missing.
	 */
	void *addressFor(Random &random, std::span<const std::byte> argument);

private:
	explicit BadMemory(const support::Fd &file);
	static support::Fd makeFile();

	support::Mapping writable_;
	/* The same page. A page without access follows it. */
	support::Mapping readOnly_;
};

} /* namespace fuzz */

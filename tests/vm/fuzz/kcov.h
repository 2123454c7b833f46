/* SPDX-License-Identifier: MIT */
/*
 * KCOV, the kernel's record of the code that a task executes. It sees only what the task itself
 * executes in its system calls: neither interrupt handlers nor threads of the kernel.
 */
#pragma once

#include <cstdint>

#include "pc_set.h"
#include "support/fd.h"
#include "support/mapping.h"

namespace fuzz {

class Kcov
{
public:
	/* Makes a record, which is still empty. Throws if the kernel has no KCOV. */
	Kcov();

	const support::Fd &file() const { return file_; }
	/* Begins to record the calling thread. A child may record into its parent's record. */
	void enable() const;
	/* Moves the record into a set. */
	void collect(PcSet &set) const;

private:
	support::Fd file_;
	support::Mapping memory_;
	/* The number of addresses, then the addresses themselves. */
	uint64_t *words_;
};

} /* namespace fuzz */

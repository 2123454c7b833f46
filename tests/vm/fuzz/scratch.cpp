/* SPDX-License-Identifier: MIT */
#include "scratch.h"

#include <sys/mman.h>

#include "support/fd.h"

namespace fuzz {

namespace {

support::Fd scratchFile()
{
	support::Fd file(memfd_create("scratch", MFD_CLOEXEC), "memfd_create");
	if (ftruncate(file, Scratch::kBytes))
		support::fail("ftruncate");
	return file;
}

} /* namespace */

Scratch::Scratch() : memory_(scratchFile(), 0, kBytes)
{
}

} /* namespace fuzz */

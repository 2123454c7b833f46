/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Python module: the process that an object belongs to.
 */

#pragma once

#include <string>
#include <unistd.h>

/*
 * The process that made an object. A fork copies the object, but not the threads
 * behind it, and perhaps locks that another thread held. So a forked process must
 * neither use nor destroy what it has inherited.
 */
class Birthplace
{
public:
	/* Whether this is the process that made the object. */
	bool isHere() const { return pid_ == getpid(); }
	/* Raise RuntimeError if this is another process. \a what names the object: "the camera". */
	void check(const char *what) const;

private:
	pid_t pid_ = getpid();
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Python module: the process that an object belongs to.
 */

#include "birthplace.h"

#include <pybind11/pybind11.h>

void Birthplace::check(const char *what) const
{
	if (isHere())
		return;

	const std::string text = std::string(what) + " belongs to process " + std::to_string(pid_) +
				 ", which forked this process: use 'spawn' or 'forkserver' to "
				 "start a process that opens cameras, or get the frames by "
				 "FrameClient";
	PyErr_SetString(PyExc_RuntimeError, text.c_str());
	throw pybind11::error_already_set();
}

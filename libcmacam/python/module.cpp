/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Python module cmacam.
 */

#include "bindings.h"

#include <algorithm>

#include <cmacam/format.h>

#include "waiting.h"

void raise(const cmacam::Error &error)
{
	/* With these arguments Python chooses the subclass by the errno value. */
	PyErr_SetObject(PyExc_OSError, py::make_tuple(error.code, error.what).ptr());
	throw py::error_already_set();
}

cmacam::PixelFormat formatOf(const std::string &name)
{
	if (const cmacam::FormatInfo *info = cmacam::findFormat(name))
		return info->format;

	std::string known;
	for (const cmacam::FormatInfo &info : cmacam::formats())
		known += (known.empty() ? "" : ", ") + std::string(info.name);
	throw py::value_error("no pixel format is called '" + name + "'; the formats are " + known);
}

cmacam::Stream streamOf(const std::string &name)
{
	if (name == "main")
		return cmacam::Stream::Main;
	if (name == "lores")
		return cmacam::Stream::Lores;
	throw py::value_error("no stream is called '" + name + "'; the streams are main and lores");
}

Milliseconds millisecondsOf(double seconds)
{
	constexpr double kYear = 366.0 * 24 * 3600;

	/* Not a number is no time at all. */
	const double limited = seconds > 0 ? std::min(seconds, kYear) : 0;
	return Milliseconds(static_cast<Milliseconds::rep>(limited * 1000));
}

PYBIND11_MODULE(_cmacam, module)
{
	module.doc() = "Camera frames as numpy arrays, without a copy.\n\n"
		       "    with cmacam.Camera(format='NV12', size=(640, 480)) as camera:\n"
		       "        for frame in camera:\n"
		       "            with frame.map() as m:\n"
		       "                print(frame.sequence, m.gray.mean())\n\n"
		       "A call that fails raises OSError with the errno value and one sentence.\n"
		       "If a timeout has passed, the call raises TimeoutError. If another thread\n"
		       "has closed an object, its calls raise ValueError. A process that was\n"
		       "forked from the process of a camera gets RuntimeError.";

	bindFrame(module);
	bindCamera(module);
	bindMonitor(module);
	bindSharing(module);
}

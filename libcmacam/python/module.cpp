/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Python module cmacam.
 */

#include "bindings.h"

#include <cerrno>

#include <cmacam/format.h>

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

PYBIND11_MODULE(cmacam, module)
{
	module.doc() = "Camera frames as numpy arrays, without a copy.\n\n"
		       "    with cmacam.Camera(format='NV12', size=(640, 480)) as camera:\n"
		       "        for frame in camera:\n"
		       "            with frame.map() as m:\n"
		       "                print(frame.sequence, m.gray.mean())\n\n"
		       "A call that fails raises OSError with the errno value and one sentence.\n"
		       "If a timeout has passed, the call raises TimeoutError.";

	bindFrame(module);
	bindCamera(module);
	bindSharing(module);
}

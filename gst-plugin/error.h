/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An error as the user shall read it, free of GStreamer's error domains.
 */
#pragma once

#include <optional>
#include <string>

namespace cmacam::gst {

struct Error
{
	enum class Kind {
		NotFound,
		Busy,
		Open,
		Settings,
		NoSpace,
		Lost,
	};

	Kind kind;
	/* One sentence: what is wrong and what to do about it. */
	std::string message;
	/* For the developer: which call, which errno. */
	std::string detail;
};

/* Empty means success. */
using MaybeError = std::optional<Error>;

} /* namespace cmacam::gst */

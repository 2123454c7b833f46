/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * AutomaticControls: which controls the camera ignores because it sets them itself.
 */

#pragma once

#include <array>
#include <string>

#include <libcamera/controls.h>

namespace cmacam {

/*
 * The state of automatic exposure and white balance, as far as the program has set
 * it. By libcamera's rules, a camera ignores a control such as ExposureTime while
 * its automatic counterpart is on.
 */
class AutomaticControls
{
public:
	/** Take the defaults of a camera with the controls \a known. */
	explicit AutomaticControls(const libcamera::ControlInfoMap &known);

	/**
	 * Follow the controls \a set, which the program sets together.
	 *
	 * \return A sentence for each control in \a set that the camera ignores; empty if
	 * there is none
	 */
	std::string follow(const libcamera::ControlList &set);

private:
	/* In the order of the table of rules. */
	std::array<bool, 3> automatic_{};
};

} /* namespace cmacam */

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * \file
 * The streams of a camera.
 */

#pragma once

namespace cmacam {

/** The pictures that a camera makes of one exposure. */
enum class Stream {
	Main,  /**< the main picture */
	Lores, /**< a second picture of the same exposure, with a separate size and format */
};

} /* namespace cmacam */

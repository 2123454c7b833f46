/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * \file
 * The streams of a camera.
 */

#pragma once

namespace cmacam {

/** The streams of a camera. Each stream gets its own picture of each exposure. */
enum class Stream {
	Main,  /**< the main stream */
	Lores, /**< a second stream, with a separate size and format */
};

} /* namespace cmacam */

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The streams of a camera.
 */

#pragma once

namespace cmacam {

/** Which picture of a frame, where a camera makes several at once. */
enum class Stream {
	Main,
	Lores, /**< smaller, of the same exposure */
};

} /* namespace cmacam */

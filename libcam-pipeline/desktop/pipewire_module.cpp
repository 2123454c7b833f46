/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A module of PipeWire that brings the handler into the process that loads it.
 *
 * On a desktop, only WirePlumber uses libcamera, and makes the cameras known to
 * all programs. libcamera has no plugin path. But its handlers register when
 * their library is loaded, and this module is linked with the handler.
 */

#include "offered_formats.h"

struct pw_impl_module;

/* The name, the parameters and the result are PipeWire's.
 * NOLINTNEXTLINE(bugprone-reserved-identifier) */
extern "C" __attribute__((visibility("default"))) int
pipewire__module_init([[maybe_unused]] pw_impl_module *module, [[maybe_unused]] const char *args)
{
	cmacam::offerColourOnly();

	return 0;
}

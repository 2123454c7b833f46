/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libcamera's controls as properties of the element.
 */
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <glib-object.h>
#include <libcamera/controls.h>

#include <cmacam/result.h>

#include "gst_ptr.h"

namespace cmacam::gst {

/**
 * Installs a property for each control libcamera knows, with ids from @first
 * on, in the order of controlTexts(). Those that libcamera only reports are
 * read-only; numbers, switches and enumerations can be animated.
 */
void installControls(GObjectClass *klass, guint first);

/*
 * The controls of one element: what the user has set, what the camera takes,
 * and what the last frame was taken with. Callable from any thread.
 */
class Controls
{
public:
	/**
	 * Property @index is now @value, from the next request on. Refused (Settings)
	 * where the camera, once it is known, has no such control or no such value.
	 */
	Result<void> set(size_t index, const GValue *value);

	/**
	 * What property @index is now: as in the last frame, else as set, else the
	 * camera's default, else that of the property.
	 */
	void get(size_t index, GValue *value, GParamSpec *spec) const;

	/**
	 * Camera @id, which takes @limits, is open. Settings: a property that
	 * was set before does not suit it.
	 */
	Result<void> attach(const std::string &id, const libcamera::ControlInfoMap &limits);
	void detach();

	/** All that is set, for the start of a stream. */
	libcamera::ControlList all() const;
	/** What was set since the last call of take() or all(). */
	libcamera::ControlList take() const;
	/** Cheap: whether take() has anything. */
	bool pending() const;

	/** The shortest and the longest frame that the user allows, if he has said. */
	std::optional<std::pair<std::chrono::microseconds, std::chrono::microseconds>>
	frameDurations() const;

	/** The metadata of the frame that is delivered now. */
	void setMetadata(const libcamera::ControlList &metadata);

	/** Range and default of each control of the open camera; null without one. */
	StructurePtr describe() const;

private:
	Result<void> check(size_t index, const libcamera::ControlValue &value) const;

	mutable std::mutex mutex_;
	std::string camera_;
	libcamera::ControlInfoMap limits_;
	libcamera::ControlList set_{idMap()};
	mutable libcamera::ControlList pending_{idMap()};
	/* Of the last frame. A ControlList would allocate each entry anew, for each frame. */
	std::vector<std::pair<unsigned int, libcamera::ControlValue>> metadata_;

	static const libcamera::ControlIdMap &idMap();
};

} /* namespace cmacam::gst */

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
 * Installs one property for each control of libcamera, in the order of
 * controlTexts(). The first property has the id @first, and each further property
 * has the next id. Controls that libcamera only reports are read-only. Writable
 * properties with a single number, switch, text or enumeration are controllable.
 */
void installControls(GObjectClass *klass, guint first);

/*
 * The controls of one element: the values that the user has set, the limits of
 * the camera, and the metadata of the last frame. Any thread may call any function.
 */
class Controls
{
public:
	/**
	 * Sets property @index to @value. The next request to the camera has the new
	 * value. Returns EINVAL if @value has the wrong type. If a camera is attached, the
	 * function also returns EINVAL if the camera has no such control or does not
	 * accept @value.
	 */
	Result<void> set(size_t index, const GValue *value);

	/**
	 * Gets the value of property @index. The function uses the first of these
	 * values that exists: the value in the metadata of the last frame, the value
	 * that the user has set, the default of the camera, the default of @spec.
	 */
	void get(size_t index, GValue *value, GParamSpec *spec) const;

	/**
	 * Attaches camera @id, which the caller has opened, with the limits @limits.
	 * Returns EINVAL if the camera does not accept the value of a property that was
	 * set earlier. The camera is attached even in this case, and the caller must call
	 * detach().
	 */
	Result<void> attach(const std::string &id, const libcamera::ControlInfoMap &limits);
	/** Detaches the camera and clears the metadata. Keeps the values that the user has set. */
	void detach();

	/** Returns all values that the user has set, for the start of a stream. */
	libcamera::ControlList all() const;
	/** Returns the values that the user has set since the last call of take() or all(). */
	libcamera::ControlList take() const;
	/** Whether take() would return a value. A call of pending() costs less than take(). */
	bool pending() const;

	/**
	 * Returns the two values of the control FrameDurationLimits: the shortest and the
	 * longest frame duration. The result is empty if the user has not set this control
	 * or has set it to 0.
	 */
	std::optional<std::pair<std::chrono::microseconds, std::chrono::microseconds>>
	frameDurations() const;

	/** Stores the metadata of the frame that is delivered now. */
	void setMetadata(const libcamera::ControlList &metadata);

	/**
	 * Returns the minimum, the maximum and the default of each control of the
	 * attached camera; nullptr if no camera is attached.
	 */
	StructurePtr describe() const;

private:
	Result<void> check(size_t index, const libcamera::ControlValue &value) const;

	mutable std::mutex mutex_;
	std::string camera_;
	libcamera::ControlInfoMap limits_;
	libcamera::ControlList set_{idMap()};
	mutable libcamera::ControlList pending_{idMap()};
	/*
	 * The metadata of the last frame. The type is a vector, because a ControlList
	 * would allocate memory for each entry of each frame.
	 */
	std::vector<std::pair<unsigned int, libcamera::ControlValue>> metadata_;

	static const libcamera::ControlIdMap &idMap();
};

} /* namespace cmacam::gst */

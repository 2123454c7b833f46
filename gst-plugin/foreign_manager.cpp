/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The CameraManager of libcamera's own GStreamer plugin.
 */
#include "foreign_manager.h"

#include <string>

#include <dlfcn.h>

#include <gst/gst.h>
#include <libcamera/version.h>

#include "gst_ptr.h"

namespace cmacam::gst {

namespace {

constexpr const char *kPlugin = "libcamera";

/*
 * std::shared_ptr<CameraManager> gst_libcamera_get_camera_manager(int &ret),
 * which the plugin exports and all of it goes through (gstlibcamera-utils.h). The
 * name tells nothing of the result's type: in a plugin of another version it may be
 * another, and the call would crash.
 */
constexpr const char *kGetter = "_Z32gst_libcamera_get_camera_managerRi";
using Getter = std::shared_ptr<libcamera::CameraManager> (*)(int &);

} /* namespace */

bool isKnownPluginVersion(std::string_view version)
{
	const std::string built = std::to_string(LIBCAMERA_VERSION_MAJOR) + "." +
				  std::to_string(LIBCAMERA_VERSION_MINOR) + "." +
				  std::to_string(LIBCAMERA_VERSION_PATCH);

	/* A distribution may append its own revision. */
	return version.substr(0, version.find('+')) == built;
}

std::shared_ptr<libcamera::CameraManager> libcameraPluginManager()
{
	const PluginPtr plugin(gst_plugin_load_by_name(kPlugin));
	const gchar *path = plugin ? gst_plugin_get_filename(plugin.get()) : nullptr;
	if (!path)
		return nullptr;

	const std::string version = gst_plugin_get_version(plugin.get());
	if (!isKnownPluginVersion(version)) {
		GST_WARNING("libcamera's plugin has version %s; cmacam's was built for another, "
			    "and does not share a camera manager with it",
			    version.c_str());
		return nullptr;
	}

	/* GStreamer never unloads a plugin: the handle may be given back. */
	void *module = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
	if (!module)
		return nullptr;
	const auto getter = reinterpret_cast<Getter>(dlsym(module, kGetter));
	dlclose(module);
	if (!getter)
		return nullptr;

	int ret = 0;
	std::shared_ptr<libcamera::CameraManager> manager = getter(ret);
	return ret == 0 ? manager : nullptr;
}

} /* namespace cmacam::gst */

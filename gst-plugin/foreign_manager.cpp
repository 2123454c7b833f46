/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The CameraManager of libcamera's own GStreamer plugin.
 */
#include "foreign_manager.h"

#include <dlfcn.h>

#include <gst/gst.h>

#include "gst_ptr.h"

namespace cmacam::gst {

namespace {

constexpr const char *kPlugin = "libcamera";

/*
 * std::shared_ptr<CameraManager> gst_libcamera_get_camera_manager(int &ret),
 * which the plugin exports and all of it goes through (gstlibcamera-utils.h).
 */
constexpr const char *kGetter = "_Z32gst_libcamera_get_camera_managerRi";
using Getter = std::shared_ptr<libcamera::CameraManager> (*)(int &);

} /* namespace */

std::shared_ptr<libcamera::CameraManager> libcameraPluginManager()
{
	const PluginPtr plugin(gst_plugin_load_by_name(kPlugin));
	const gchar *path = plugin ? gst_plugin_get_filename(plugin.get()) : nullptr;
	if (!path)
		return nullptr;

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

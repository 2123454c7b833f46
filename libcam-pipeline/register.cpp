/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Registers the handler with the libcamera that loads it.
 */

#include "pipeline_handler.h"

#ifdef CMACAM_LIBCAMERA_VERSION

#include <optional>
#include <string>

#include <libcamera/base/log.h>

#include <libcamera/camera_manager.h>

#endif

namespace libcamera {

#ifdef CMACAM_LIBCAMERA_VERSION

LOG_DECLARE_CATEGORY(Cmacam)

namespace {

/*
 * Built outside libcamera's tree against internal headers, which promise
 * nothing from one version to the next: with any other libcamera the handler
 * keeps out of the way, because its first virtual call could be a crash.
 */
class GuardedFactory
{
public:
	GuardedFactory()
	{
		const std::string &version = CameraManager::version();
		const std::string built = "v" CMACAM_LIBCAMERA_VERSION;

		/* A distribution may append its own revision: v0.7.2+... */
		if (version != built && !version.starts_with(built + "+")) {
			LOG(Cmacam, Error)
				<< "The cmacam handler was built for libcamera " << built
				<< " and does not register with " << version << ": rebuild it";
			return;
		}

		factory_.emplace("cmacam");
	}

private:
	std::optional<PipelineHandlerFactory<PipelineHandlerCmacam>> factory_;
};

GuardedFactory factory;

} /* namespace */

#else

REGISTER_PIPELINE_HANDLER(PipelineHandlerCmacam, "cmacam")

#endif

} /* namespace libcamera */

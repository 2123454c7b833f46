/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the handler leaves the error texts that cmacam::lastError() hands out.
 */

#include "error_log.h"

#include <map>

#include <libcamera/base/mutex.h>

#include "cmacam/last_error.h"

namespace {

/*
 * Written by the camera manager's thread, read by the application's. Kept by
 * id and not in the camera, which may be gone when somebody asks.
 */
libcamera::Mutex &mutex()
{
	static libcamera::Mutex instance;
	return instance;
}

std::map<std::string, std::string> &texts()
{
	static std::map<std::string, std::string> instance;
	return instance;
}

} /* namespace */

namespace libcamera {

/**
 * \brief Remember the last error of a camera
 * \param[in] cameraId The libcamera id of the camera
 * \param[in] text The sentence, or an empty string after success
 */
void setCmacamLastError(const std::string &cameraId, const std::string &text)
{
	MutexLocker locker(mutex());

	if (text.empty())
		texts().erase(cameraId);
	else
		texts()[cameraId] = text;
}

/**
 * \brief Add what took longer to find out to the last error of a camera
 * \param[in] cameraId The libcamera id of the camera
 * \param[in] text The error; if the last error is another one by now, it stays
 * \param[in] addition The text to append
 */
void extendCmacamLastError(const std::string &cameraId, const std::string &text,
			   const std::string &addition)
{
	MutexLocker locker(mutex());

	auto it = texts().find(cameraId);
	if (it != texts().end() && it->second == text)
		it->second += addition;
}

} /* namespace libcamera */

std::string cmacam::lastError(const std::string &cameraId)
{
	libcamera::MutexLocker locker(mutex());

	auto it = texts().find(cameraId);
	return it == texts().end() ? std::string() : it->second;
}

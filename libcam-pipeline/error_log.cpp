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

struct Error
{
	std::string text;
	unsigned int changes = 0;
};

std::map<std::string, Error> &errors()
{
	static std::map<std::string, Error> instance;
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

	Error &error = errors()[cameraId];
	if (error.text != text)
		error = {text, error.changes + 1};
}

/**
 * \brief Number of changes of the last error of a camera
 * \param[in] cameraId The libcamera id of the camera
 */
unsigned int cmacamLastErrorChanges(const std::string &cameraId)
{
	MutexLocker locker(mutex());

	return errors()[cameraId].changes;
}

/**
 * \brief Set the last error of a camera, if the error is still the newest
 * \param[in] cameraId The libcamera id of the camera
 * \param[in] changes The cmacamLastErrorChanges() at the time of the error
 * \param[in] text The sentence, which became known after that time
 */
void setCmacamLastErrorOf(const std::string &cameraId, unsigned int changes,
			  const std::string &text)
{
	MutexLocker locker(mutex());

	Error &error = errors()[cameraId];
	if (error.changes == changes)
		error = {text, changes + 1};
}

} /* namespace libcamera */

std::string cmacam::lastError(const std::string &cameraId)
{
	libcamera::MutexLocker locker(mutex());

	auto it = errors().find(cameraId);
	return it == errors().end() ? std::string() : it->second.text;
}

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
	unsigned int number = 0;
};

/* An operation that succeeds ends no loss of frames, and a loss that ends is no success. */
struct Errors
{
	Error operation;
	Error loss;
};

std::map<std::string, Errors> &errors()
{
	static std::map<std::string, Errors> instance;
	return instance;
}

/* Errors are numbered in the order of their occurrence. */
unsigned int lastNumber = 0;

} /* namespace */

namespace libcamera {

/**
 * \brief Remember the last error of an operation on a camera
 * \param[in] cameraId The libcamera id of the camera
 * \param[in] text The sentence, or an empty string after success
 */
void setCmacamLastError(const std::string &cameraId, const std::string &text)
{
	MutexLocker locker(mutex());

	errors()[cameraId].operation = {text, ++lastNumber};
}

/**
 * \brief Number an error whose sentence follows later
 * \return A number that is larger than the number of every earlier error
 */
unsigned int nextCmacamError()
{
	MutexLocker locker(mutex());

	return ++lastNumber;
}

/**
 * \brief Remember that a camera loses frames
 * \param[in] cameraId The libcamera id of the camera
 * \param[in] number The nextCmacamError() of the time when the loss began
 * \param[in] text The sentence
 */
void setCmacamLossError(const std::string &cameraId, unsigned int number, const std::string &text)
{
	MutexLocker locker(mutex());

	errors()[cameraId].loss = {text, number};
}

/**
 * \brief Remember that a camera does not lose frames any more
 * \param[in] cameraId The libcamera id of the camera
 */
void clearCmacamLossError(const std::string &cameraId)
{
	MutexLocker locker(mutex());

	errors()[cameraId].loss = {};
}

} /* namespace libcamera */

std::string cmacam::lastError(const std::string &cameraId)
{
	libcamera::MutexLocker locker(mutex());

	auto it = errors().find(cameraId);
	if (it == errors().end())
		return {};

	const auto &[operation, loss] = it->second;
	const bool lossIsLast =
		!loss.text.empty() && (operation.text.empty() || loss.number > operation.number);

	return lossIsLast ? loss.text : operation.text;
}

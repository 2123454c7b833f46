/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The requests of a session that come before its hardware runs.
 */

#include "quiet_start.h"

#include <utility>

namespace libcamera {

/**
 * \class CmacamQuietStart
 * \brief Keeps the first requests until the application has queued all of them
 *
 * After they have started the camera, applications queue one request for each
 * buffer, one after the other. If the sensor ran from the first request on, it
 * would be faster than an application on a busy machine, and frames would be
 * lost although there is no error. So the requests are kept until their number
 * equals the number of buffers, or until the caller ends the wait.
 */

/**
 * \brief Begin to keep the requests of a new session
 * \param[in] wanted Number of requests to wait for
 */
void CmacamQuietStart::begin(std::size_t wanted)
{
	waiting_ = true;
	wanted_ = wanted;
	requests_.clear();
}

/**
 * \brief Keep a request
 * \return True if the number of kept requests has reached the wanted number
 */
bool CmacamQuietStart::add(Request *request)
{
	requests_.push_back(request);

	return requests_.size() >= wanted_;
}

/**
 * \brief Return the kept requests when the hardware starts or the session ends
 * \return The requests, in the order in which they were added
 */
std::vector<Request *> CmacamQuietStart::end()
{
	waiting_ = false;

	return std::exchange(requests_, {});
}

} /* namespace libcamera */

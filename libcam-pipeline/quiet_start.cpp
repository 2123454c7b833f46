/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The requests of a session that come before its hardware runs.
 */

#include "quiet_start.h"

#include <utility>

namespace libcamera {

/**
 * \class CmacamQuietStart
 * \brief Keeps the first requests until all of them are there
 *
 * Applications queue a request for each buffer, one after the other, when they
 * have started the camera. A sensor that runs from the first of them on is
 * faster than an application on a busy machine: frames are lost before
 * anything has gone wrong. So the requests are kept until there are as many as
 * buffers, or until whoever uses this is tired of waiting.
 */

/**
 * \brief A session starts
 * \param[in] wanted Requests that are worth waiting for
 */
void CmacamQuietStart::begin(std::size_t wanted)
{
	waiting_ = true;
	wanted_ = wanted;
	requests_.clear();
}

/**
 * \brief Keep a request
 * \return true if it was the last one to wait for
 */
bool CmacamQuietStart::add(Request *request)
{
	requests_.push_back(request);

	return requests_.size() >= wanted_;
}

/**
 * \brief The hardware starts, or the session ends
 * \return The requests in their order
 */
std::vector<Request *> CmacamQuietStart::end()
{
	waiting_ = false;

	return std::exchange(requests_, {});
}

} /* namespace libcamera */

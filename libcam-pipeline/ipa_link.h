/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Access of the handler to its algorithms. If CMACAM_IPA_MODULE is defined, the
 * algorithms are an IPA module in libcamera's tree. Otherwise, the algorithms
 * are linked with the handler.
 */

#pragma once

#ifdef CMACAM_IPA_MODULE
#include "in-tree/ipa_module.h"
#else
#include "ipa/ipa.h"
#endif

namespace libcamera {

class PipelineHandler;

#ifdef CMACAM_IPA_MODULE

using CmacamIpa = CmacamIpaModule;

inline CmacamIpa makeCmacamIpa(PipelineHandler *pipe)
{
	return CmacamIpa(pipe);
}

#else

using CmacamIpa = cmacam::ipa::Ipa;

inline CmacamIpa makeCmacamIpa(PipelineHandler *)
{
	return {};
}

#endif

} /* namespace libcamera */

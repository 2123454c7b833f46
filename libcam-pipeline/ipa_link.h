/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How the handler reaches its algorithms: they are linked, or libcamera's IPA
 * module in a tree that builds it.
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

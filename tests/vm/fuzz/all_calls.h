/* SPDX-License-Identifier: MIT */
/* All groups of calls. Their order gives each call its number. */
#pragma once

#include "buffer_calls.h"
#include "control_calls.h"
#include "dma_buf_calls.h"
#include "event_calls.h"
#include "format_calls.h"
#include "mapping_calls.h"
#include "media_calls.h"
#include "process_calls.h"
#include "subdev_calls.h"
#include "transfer_calls.h"

namespace fuzz {

class AllCalls
{
public:
	AllCalls(const Context &context, CallList &calls)
		: formats_(context, calls),
		  buffers_(context, calls),
		  controls_(context, calls),
		  events_(context, calls),
		  subdev_(context, calls),
		  media_(context, calls),
		  dmaBufs_(context, calls),
		  mappings_(context, calls),
		  transfers_(context, calls),
		  processes_(context, calls)
	{
	}

private:
	FormatCalls formats_;
	BufferCalls buffers_;
	ControlCalls controls_;
	EventCalls events_;
	SubdevCalls subdev_;
	MediaCalls media_;
	DmaBufCalls dmaBufs_;
	MappingCalls mappings_;
	TransferCalls transfers_;
	ProcessCalls processes_;
};

} /* namespace fuzz */

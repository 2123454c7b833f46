/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trace events for the start, the end and the loss of a frame, and for the
 * hand-over of a buffer's address to the engine. The driver's README shows how
 * to read these events.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM cmacam

#if !defined(CMACAM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define CMACAM_TRACE_H

#include <linux/tracepoint.h>

#include "cmacam.h"

/* The engine has got the address of a buffer for one of the next frames. */
TRACE_EVENT(cmacam_queue,
	    TP_PROTO(struct cmacam_video *video, unsigned int index,
		     dma_addr_t addr),
	    TP_ARGS(video, index, addr),
	    TP_STRUCT__entry(__string(dev, dev_name(video->cam->dev))
			     __field(u32, channel)
			     __field(u32, index)
			     __field(u64, addr)
	    ),
	    TP_fast_assign(__assign_str(dev);
			   __entry->channel = video->channel->index;
			   __entry->index = index;
			   __entry->addr = addr;
	    ),
	    TP_printk("dev=%s ch=%u buf=%u addr=0x%llx", __get_str(dev),
		      __entry->channel, __entry->index, __entry->addr)
);

/*
 * The start-of-frame interrupt was handled. The driver enables this interrupt
 * while the trace event is enabled. If the event is enabled during a stream,
 * the driver enables the interrupt at most 100 ms later.
 */
TRACE_EVENT(cmacam_frame_start,
	    TP_PROTO(struct cmacam_video *video, u32 sequence),
	    TP_ARGS(video, sequence),
	    TP_STRUCT__entry(__string(dev, dev_name(video->cam->dev))
			     __field(u32, channel)
			     __field(u32, sequence)
	    ),
	    TP_fast_assign(__assign_str(dev);
			   __entry->channel = video->channel->index;
			   __entry->sequence = sequence;
	    ),
	    TP_printk("dev=%s ch=%u seq=%u", __get_str(dev), __entry->channel,
		      __entry->sequence)
);

/* A frame is finished, and user space gets the buffer of the frame. */
TRACE_EVENT(cmacam_frame_done,
	    TP_PROTO(struct cmacam_video *video, unsigned int index,
		     const struct cmacam_frame *frame),
	    TP_ARGS(video, index, frame),
	    TP_STRUCT__entry(__string(dev, dev_name(video->cam->dev))
			     __field(u32, channel)
			     __field(u32, sequence)
			     __field(u32, index)
			     __field(u64, addr)
			     __field(u32, bytes)
			     __field(bool, error)
			     __field(u64, timestamp)
	    ),
	    TP_fast_assign(__assign_str(dev);
			   __entry->channel = video->channel->index;
			   __entry->sequence = frame->meta.sequence;
			   __entry->index = index;
			   __entry->addr = frame->addr;
			   __entry->bytes = frame->bytes;
			   __entry->error = frame->meta.flags &
					    CMACAM_META_FLAG_ERROR;
			   __entry->timestamp = frame->meta.timestamp;
	    ),
	    TP_printk("dev=%s ch=%u seq=%u buf=%u addr=0x%llx bytes=%u error=%u timestamp=%llu",
		      __get_str(dev), __entry->channel, __entry->sequence,
		      __entry->index, __entry->addr, __entry->bytes,
		      __entry->error, __entry->timestamp)
);

/*
 * Frames were lost. The field total is the number of frames lost since
 * streaming began.
 */
TRACE_EVENT(cmacam_lost,
	    TP_PROTO(struct cmacam_video *video, u32 first, u32 count),
	    TP_ARGS(video, first, count),
	    TP_STRUCT__entry(__string(dev, dev_name(video->cam->dev))
			     __field(u32, channel)
			     __field(u32, first)
			     __field(u32, count)
			     __field(u32, total)
	    ),
	    TP_fast_assign(__assign_str(dev);
			   __entry->channel = video->channel->index;
			   __entry->first = first;
			   __entry->count = count;
			   __entry->total = video->lost;
	    ),
	    TP_printk("dev=%s ch=%u first=%u count=%u total=%u",
		      __get_str(dev), __entry->channel, __entry->first,
		      __entry->count, __entry->total)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE cmacam_trace
#include <trace/define_trace.h>

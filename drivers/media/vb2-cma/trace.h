/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trace events for the allocation and the release of buffers, and for each
 * cache maintenance. An event of a maintenance contains the reason for this
 * maintenance. docs/memory.md shows how to read these events.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vb2_cma

#if !defined(VCMA_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VCMA_TRACE_H

#include <linux/tracepoint.h>

#include "backend.h"
#include "vcma-buf.h"

#ifndef VCMA_REASONS
#define VCMA_REASONS
/* Reasons for cache maintenance */
enum vcma_reason {
	VCMA_REASON_BEGIN,
	VCMA_REASON_ROI,
	VCMA_REASON_MMAP,
	VCMA_REASON_DQBUF,
	VCMA_REASON_QBUF,
	VCMA_REASON_END,
	VCMA_REASON_IMPORT,
	VCMA_REASON_CONTRACT,
	VCMA_REASON_SNOOP,
};

/* Reasons for skipping cache maintenance */
enum vcma_skip {
	VCMA_SKIP_UNMAPPED,
	VCMA_SKIP_DISCIPLINED,
	VCMA_SKIP_UNWRITTEN,
	VCMA_SKIP_HINT,
};
#endif

#define show_reason(reason)						\
	__print_symbolic(reason,					\
			 { VCMA_REASON_BEGIN, "begin" },		\
			 { VCMA_REASON_ROI, "roi" },			\
			 { VCMA_REASON_MMAP, "mmap" },			\
			 { VCMA_REASON_DQBUF, "dqbuf" },		\
			 { VCMA_REASON_QBUF, "qbuf" },			\
			 { VCMA_REASON_END, "end" },			\
			 { VCMA_REASON_IMPORT, "import" },		\
			 { VCMA_REASON_CONTRACT, "contract" },		\
			 { VCMA_REASON_SNOOP, "snoop" })

#define show_skip(reason)						\
	__print_symbolic(reason,					\
			 { VCMA_SKIP_UNMAPPED, "unmapped" },		\
			 { VCMA_SKIP_DISCIPLINED, "disciplined" },	\
			 { VCMA_SKIP_UNWRITTEN, "unwritten" },		\
			 { VCMA_SKIP_HINT, "hint" })

/* Names of the values of enum dma_data_direction */
#define show_dir(dir)							\
	__print_symbolic(dir,						\
			 { DMA_BIDIRECTIONAL, "bidirectional" },	\
			 { DMA_TO_DEVICE, "to-device" },		\
			 { DMA_FROM_DEVICE, "from-device" },		\
			 { DMA_NONE, "none" })

TRACE_DEFINE_ENUM(VCMA_REASON_BEGIN);
TRACE_DEFINE_ENUM(VCMA_REASON_ROI);
TRACE_DEFINE_ENUM(VCMA_REASON_MMAP);
TRACE_DEFINE_ENUM(VCMA_REASON_DQBUF);
TRACE_DEFINE_ENUM(VCMA_REASON_QBUF);
TRACE_DEFINE_ENUM(VCMA_REASON_END);
TRACE_DEFINE_ENUM(VCMA_REASON_IMPORT);
TRACE_DEFINE_ENUM(VCMA_REASON_CONTRACT);
TRACE_DEFINE_ENUM(VCMA_REASON_SNOOP);
TRACE_DEFINE_ENUM(VCMA_SKIP_UNMAPPED);
TRACE_DEFINE_ENUM(VCMA_SKIP_DISCIPLINED);
TRACE_DEFINE_ENUM(VCMA_SKIP_UNWRITTEN);
TRACE_DEFINE_ENUM(VCMA_SKIP_HINT);
TRACE_DEFINE_ENUM(DMA_BIDIRECTIONAL);
TRACE_DEFINE_ENUM(DMA_TO_DEVICE);
TRACE_DEFINE_ENUM(DMA_FROM_DEVICE);
TRACE_DEFINE_ENUM(DMA_NONE);

DECLARE_EVENT_CLASS(vb2_cma_memory,
		    TP_PROTO(struct vcma_buf *buf),
		    TP_ARGS(buf),
		    TP_STRUCT__entry(__field(u32, id)
				     __field(u64, size)
				     __field(u64, dma_addr)
				     __string(backend, buf->backend->name)
				     __string(account, vcma_account_name(buf))
		    ),
		    TP_fast_assign(__entry->id = buf->id;
				   __entry->size = buf->size;
				   __entry->dma_addr = buf->dma_addr;
				   __assign_str(backend);
				   __assign_str(account);
		    ),
		    TP_printk("buf=%u size=%llu dma=0x%llx backend=%s queue=\"%s\"",
			      __entry->id, __entry->size, __entry->dma_addr,
			      __get_str(backend), __get_str(account))
);

DEFINE_EVENT(vb2_cma_memory, vb2_cma_alloc,
	     TP_PROTO(struct vcma_buf *buf), TP_ARGS(buf));

DEFINE_EVENT(vb2_cma_memory, vb2_cma_free,
	     TP_PROTO(struct vcma_buf *buf), TP_ARGS(buf));

/* The buffer is freed later, because its pages still have references. */
DEFINE_EVENT(vb2_cma_memory, vb2_cma_park,
	     TP_PROTO(struct vcma_buf *buf), TP_ARGS(buf));

DECLARE_EVENT_CLASS(vb2_cma_access,
		    TP_PROTO(struct vcma_buf *buf, enum dma_data_direction dir),
		    TP_ARGS(buf, dir),
		    TP_STRUCT__entry(__field(u32, id)
				     __field(u32, dir)
				     __field(u32, begins)
		    ),
		    TP_fast_assign(__entry->id = buf->id;
				   __entry->dir = dir;
				   __entry->begins = buf->begins;
		    ),
		    TP_printk("buf=%u dir=%s open=%u", __entry->id,
			      show_dir(__entry->dir), __entry->begins)
);

/*
 * The field open is the number of CPU accesses that were open before this
 * access began.
 */
DEFINE_EVENT(vb2_cma_access, vb2_cma_begin,
	     TP_PROTO(struct vcma_buf *buf, enum dma_data_direction dir),
	     TP_ARGS(buf, dir));

/*
 * The field open is the number of CPU accesses that were open before the end of
 * this access. If the access began before the buffer was queued, the number is
 * 0.
 */
DEFINE_EVENT(vb2_cma_access, vb2_cma_end,
	     TP_PROTO(struct vcma_buf *buf, enum dma_data_direction dir),
	     TP_ARGS(buf, dir));

/* The buffer was queued while CPU accesses were open. */
TRACE_EVENT(vb2_cma_reset,
	    TP_PROTO(struct vcma_buf *buf),
	    TP_ARGS(buf),
	    TP_STRUCT__entry(__field(u32, id)
			     __field(u32, begins)
	    ),
	    TP_fast_assign(__entry->id = buf->id;
			   __entry->begins = buf->begins;
	    ),
	    TP_printk("buf=%u open=%u", __entry->id, __entry->begins)
);

TRACE_EVENT(vb2_cma_sync,
	    TP_PROTO(struct vcma_buf *buf, bool for_cpu, size_t bytes,
		     enum vcma_reason reason),
	    TP_ARGS(buf, for_cpu, bytes, reason),
	    TP_STRUCT__entry(__field(u32, id)
			     __field(bool, for_cpu)
			     __field(u64, bytes)
			     __field(u32, dir)
			     __field(u32, reason)
	    ),
	    TP_fast_assign(__entry->id = buf->id;
			   __entry->for_cpu = for_cpu;
			   __entry->bytes = bytes;
			   __entry->dir = buf->dir;
			   __entry->reason = reason;
	    ),
	    TP_printk("buf=%u target=%s bytes=%llu dir=%s reason=%s",
		      __entry->id, __entry->for_cpu ? "cpu" : "device",
		      __entry->bytes, show_dir(__entry->dir),
		      show_reason(__entry->reason))
);

TRACE_EVENT(vb2_cma_skip,
	    TP_PROTO(struct vcma_buf *buf, bool for_cpu, enum vcma_skip reason),
	    TP_ARGS(buf, for_cpu, reason),
	    TP_STRUCT__entry(__field(u32, id)
			     __field(bool, for_cpu)
			     __field(u32, reason)
	    ),
	    TP_fast_assign(__entry->id = buf->id;
			   __entry->for_cpu = for_cpu;
			   __entry->reason = reason;
	    ),
	    TP_printk("buf=%u target=%s reason=%s", __entry->id,
		      __entry->for_cpu ? "cpu" : "device",
		      show_skip(__entry->reason))
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>

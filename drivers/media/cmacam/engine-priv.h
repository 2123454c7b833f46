/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the engine share: access to a channel's registers and to
 * its completion ring.
 */
#ifndef CMACAM_ENGINE_PRIV_H
#define CMACAM_ENGINE_PRIV_H

#include <linux/io.h>

#include "engine.h"

#define ENGINE_SERVICE_MS	100

#define CMACAM_CH_INT_ALL	(CMACAM_CH_INT_FRAME_START | \
				 CMACAM_CH_INT_FRAME_DONE | \
				 CMACAM_CH_INT_DROP | \
				 CMACAM_CH_INT_FIFO_OVERFLOW | \
				 CMACAM_CH_INT_CONFIG)

static inline void __iomem *ch_reg(const struct cmacam_channel *ch, u32 reg)
{
	return ch->engine->regs + CMACAM_CH(ch->index) + reg;
}

static inline u32 ch_read(const struct cmacam_channel *ch, u32 reg)
{
	return readl(ch_reg(ch, reg));
}

static inline void ch_write(const struct cmacam_channel *ch, u32 reg, u32 value)
{
	writel(value, ch_reg(ch, reg));
}

/* A linked channel counts as the main channel does, all the way. */
static inline u32 ch_base(const struct cmacam_channel *ch)
{
	return ch->linked ? ch->engine->channels[CMACAM_CH_MAIN].base :
			    ch->base;
}

/* Does it matter what an interrupt is about, beside a finished frame? */
static inline bool ch_needs_causes(const struct cmacam_channel *ch)
{
	return ch->watch || ch->caps.depth == 1;
}

/* engine.c */
void cmacam_channel_follow_trace(struct cmacam_channel *ch);

/* engine-ring.c */
bool cmacam_channel_has_entry(const struct cmacam_channel *ch);
void cmacam_channel_drain(struct cmacam_channel *ch);
void cmacam_channel_count_dropped(struct cmacam_channel *ch);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Access to the registers of a channel.
 */
#ifndef CMACAM_ENGINE_REGS_H
#define CMACAM_ENGINE_REGS_H

#include <linux/io.h>

#include "engine.h"

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

#endif

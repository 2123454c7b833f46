// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a cache does to the lines of a buffer: fill, clean, invalidate.
 */
#include <linux/io.h>
#include <linux/jhash.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "noncoherent.h"

/*
 * Lines lie where a cache has them, at multiples of their size. A mapping may
 * begin or end within one: on x86 kmalloc() does not keep DMA buffers apart
 * from their neighbours, so what belongs to a neighbour is left alone.
 */
struct nc_line {
	u8 *cpu;
	u8 *shadow;
	size_t size;
	u32 *hash;
};

static size_t nc_lead(const struct nc_buffer *buf)
{
	return buf->phys % NC_LINE;
}

size_t nc_line_count(const struct nc_buffer *buf)
{
	return DIV_ROUND_UP(nc_lead(buf) + buf->size, NC_LINE);
}

static struct nc_line nc_line(const struct nc_buffer *buf, size_t index)
{
	size_t lead = nc_lead(buf);
	size_t start = index ? index * NC_LINE - lead : 0;
	size_t end = min((index + 1) * NC_LINE - lead, buf->size);

	return (struct nc_line) {
		.cpu = (u8 *)phys_to_virt(buf->phys) + start,
		.shadow = (u8 *)phys_to_virt(buf->dma) + start,
		.size = end - start,
		.hash = &buf->lines[index],
	};
}

static void fill(const struct nc_line *line)
{
	memcpy(line->cpu, line->shadow, line->size);
	*line->hash = jhash(line->cpu, line->size, 0);
}

/* User space may write meanwhile: hash what is written back, not what is. */
static void clean(const struct nc_line *line)
{
	u8 copy[NC_LINE];
	u32 hash;

	memcpy(copy, line->cpu, line->size);
	hash = jhash(copy, line->size, 0);
	if (hash == *line->hash)
		return;
	memcpy(line->shadow, copy, line->size);
	*line->hash = hash;
}

static void load(const struct nc_line *line)
{
	memcpy(line->shadow, line->cpu, line->size);
	*line->hash = jhash(line->shadow, line->size, 0);
}

static void invalidate(const struct nc_line *line)
{
	clean(line);
	memset(line->cpu, NC_POISON, line->size);
	*line->hash = jhash(line->cpu, line->size, 0);
}

static void for_lines(struct nc_buffer *buf, size_t offset, size_t size,
		      void (*work)(const struct nc_line *line))
{
	size_t lead = nc_lead(buf);
	size_t index, end;

	if (buf->phys == buf->dma || !size || offset >= buf->size)
		return;

	index = (lead + offset) / NC_LINE;
	end = DIV_ROUND_UP(lead + offset + min(size, buf->size - offset),
			   NC_LINE);
	for (; index < end; index++) {
		struct nc_line line = nc_line(buf, index);

		guard(spinlock_irqsave)(&buf->lock);
		work(&line);
	}
}

/**
 * nc_lines_load() - let the device see what the CPU sees
 * @buf: a buffer whose shadow is new
 */
void nc_lines_load(struct nc_buffer *buf)
{
	for_lines(buf, 0, buf->size, load);
}

/**
 * nc_lines_fill() - let the CPU see what the device wrote
 * @buf: the buffer
 * @offset: first byte
 * @size: bytes, rounded out to lines
 *
 * What the CPU wrote and did not clean is gone, as with a cache.
 */
void nc_lines_fill(struct nc_buffer *buf, size_t offset, size_t size)
{
	for_lines(buf, offset, size, fill);
}

/**
 * nc_lines_clean() - let the device see what the CPU wrote
 * @buf: the buffer
 * @offset: first byte
 * @size: bytes, rounded out to lines
 */
void nc_lines_clean(struct nc_buffer *buf, size_t offset, size_t size)
{
	for_lines(buf, offset, size, clean);
}

/**
 * nc_lines_invalidate() - clean, then poison what the CPU sees
 * @buf: the buffer
 * @offset: first byte
 * @size: bytes, rounded out to lines
 *
 * Cleaned first, as arm64 does for every direction: a device that writes
 * less than the whole must not make the rest disappear.
 */
void nc_lines_invalidate(struct nc_buffer *buf, size_t offset, size_t size)
{
	for_lines(buf, offset, size, invalidate);
}

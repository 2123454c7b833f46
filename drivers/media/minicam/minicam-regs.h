/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Register block and descriptor ring of minicam, a small capture card that
 * exists for docs/porting.md only. It has one picture size, one pixel format
 * and no sensor. This header is its whole documentation, and is the contract
 * between the virtual board (board/minicam/) and the driver.
 *
 * The driver writes the address of a buffer into the next descriptor of the
 * ring, and gives the descriptor to the card with the owner word. The card
 * writes a frame into the buffer, fills in the descriptor, and clears the owner
 * word. Then it sends the interrupt. The card uses the descriptors in order,
 * and begins with the first one when EN is set.
 */
#ifndef MINICAM_REGS_H
#define MINICAM_REGS_H

#include <linux/types.h>

/* PCI identity. BAR 0 has the registers. MSI-X has one vector. */
#define MINICAM_PCI_VENDOR	0x1234
#define MINICAM_PCI_DEVICE	0xca3b
#define MINICAM_BAR_REGS	0

/* Registers of 32 bits. A card that was unplugged reads as all ones. */
#define MINICAM_ID		0x00	/* RO: MINICAM_ID_MAGIC */
#define MINICAM_ID_MAGIC	0x494e494du	/* "MINI" */
/*
 * EN is ignored if the card is busy, or if it cannot access the ring. The
 * driver reads CTRL to see this. If EN is cleared, the card ends the frame in
 * progress.
 */
#define MINICAM_CTRL		0x04	/* RW */
#define MINICAM_CTRL_EN		0x00000001u
#define MINICAM_STATUS		0x08	/* RO */
#define MINICAM_STATUS_BUSY	0x00000001u	/* EN is set, or DMA runs */
/* DMA address of the ring, a multiple of 64. Latched when EN is set. */
#define MINICAM_RING_LO		0x0c	/* RW */
#define MINICAM_RING_HI		0x10	/* RW */
/* Any value: a descriptor was given to the card. */
#define MINICAM_DOORBELL	0x14	/* WO */

/* A frame: NV12 without padding. */
#define MINICAM_WIDTH		640u	/* pixels */
#define MINICAM_HEIGHT		480u	/* lines */
#define MINICAM_FRAME_SIZE	(MINICAM_WIDTH * MINICAM_HEIGHT * 3u / 2u)

/* The ring is in coherent memory. */
#define MINICAM_RING_ENTRIES	32u
#define MINICAM_RING_ALIGN	64u	/* bytes */
struct minicam_desc {
	__le64 addr;		/* DMA address of the buffer; by the driver */
	__le32 sequence;	/* from 0; lost frames are counted */
	__le32 bytes;		/* number of bytes written */
	__le32 flags;		/* MINICAM_DONE_* */
	__le32 reserved[2];
	__le32 owner;		/* MINICAM_OWNER_*; written last by both */
};

#define MINICAM_OWNER_DRIVER	0u
#define MINICAM_OWNER_CARD	1u
#define MINICAM_DONE_ERROR	0x00000001u	/* the buffer is out of reach */

#endif

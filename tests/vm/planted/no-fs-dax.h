/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * This header is included before each source of vb2-cma, after the kernel's
 * configuration. The driver is then the same as for a kernel without FS_DAX: it
 * marks no inode, so nothing in the kernel refuses a long-term pin.
 */
#undef CONFIG_FS_DAX

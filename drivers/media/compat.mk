# SPDX-License-Identifier: GPL-2.0-only
# What the kernel lacks, as macros for compat.h. Only a build outside a kernel
# tree includes this file.
#
# The tests look at the kernel itself. Version numbers would not do: a
# distribution may export a symbol that the same version does not export
# elsewhere.

ifeq ($(wildcard $(objtree)/Module.symvers),)
$(error $(objtree)/Module.symvers is missing; build the kernel first)
endif

# Symbols that this kernel does not export
COMPAT_LACKS := $(foreach symbol, \
	cma_alloc alloc_contig_pages_noprof dma_map_phys \
	vmf_insert_folio_pmd vmf_insert_page_mkwrite \
	dma_fence_driver_name v4l2_debugfs_root, \
	$(shell grep -qw $(symbol) $(objtree)/Module.symvers || \
		echo $(symbol)))

# Words that a header of this kernel does not have
compat-word = $(shell grep -qsw $(1) $(srctree)/include/linux/$(2) || \
	echo $(1))
COMPAT_LACKS += $(call compat-word,map_phys,dma-map-ops.h)
COMPAT_LACKS += $(call compat-word,DEV_FLAG_DMA_COHERENT,device.h)

ccflags-y += $(addprefix -DCOMPAT_NO_,$(COMPAT_LACKS))

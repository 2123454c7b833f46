# SPDX-License-Identifier: MIT
# Sphinx's settings for the pages that ./dev docs makes.
project = "cmacam"
html_theme = "alabaster"
html_theme_options = {"page_width": "1100px"}
html_copy_source = False
html_show_copyright = False
# Sphinx has one space of names for C; a structure and a function of C may share a name.
suppress_warnings = ["duplicate_declaration.c"]
# What the kernel writes between types and names.
c_id_attributes = ["__iomem"]

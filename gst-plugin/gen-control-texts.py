#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""gen-control-texts.py OUTPUT CONTROLS.yaml...: write the descriptions of libcamera's controls as a C++ table.

The library of libcamera contains the type, size, direction and values of each control. Only the YAML
files of libcamera contain the descriptions. These become the blurbs of cmacamsrc's properties.
"""

import os
import re
import sys

import yaml

HEAD = """/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Made by gen-control-texts.py from libcamera's YAML. Do not edit. */
#include "control_texts.h"

#include <libcamera/control_ids.h>

namespace cmacam::gst {

namespace {

namespace controls = libcamera::controls;
"""


def kebab(name):
    """ExposureTime -> exposure-time, AfMode2D -> af-mode2-d: the same rule as for the properties of libcamerasrc."""
    return re.sub(r"(?<!^)([A-Z])", r"-\1", name).lower()


def sentence(description):
    """The first paragraph of a description in one line, without libcamera's cross references."""
    text = re.sub(r"\\(sa|todo)[^\n]*", "", description).strip()
    return " ".join(text.split("\n\n")[0].split()).rstrip(".")


def literal(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def nicks(names):
    """The names of an enumeration without their common prefix, which ends where a word begins."""
    prefix = os.path.commonprefix(names) if len(names) > 1 else ""
    while prefix and not all(name[len(prefix):len(prefix) + 1].isupper() for name in names):
        prefix = prefix[:-1]
    return [kebab(name[len(prefix):]) for name in names]


def read(paths):
    """(C++ namespace, name, description, [(enumerator, nick, description)]) of each control."""
    seen = {}
    for path in paths:
        with open(path, encoding="utf-8") as f:
            data = yaml.safe_load(f)
        namespace = "controls" if data["vendor"] == "libcamera" else f"controls::{data['vendor']}"
        for entry in data["controls"]:
            (name, fields), = entry.items()
            if name in seen:
                sys.exit(f"{path}: {name} is also in {seen[name]}, so two properties would have the same name")
            seen[name] = path
            values = fields.get("enum", [])
            names = [value["name"] for value in values]
            yield namespace, name, fields["description"], [
                (value["name"], nick, value["description"]) for value, nick in zip(values, nicks(names))]


def main(output, *paths):
    values, rows = [], []
    for namespace, name, description, enum in read(paths):
        if enum:
            values.append(f"constexpr ControlValueText k{name}[] = {{")
            values += [f"\t{{{namespace}::{value}, {literal(nick)}, {literal(sentence(text))}}},"
                       for value, nick, text in enum]
            values.append("};\n")
        rows.append(f"\t{{&{namespace}::{name}, {literal(kebab(name))}, {literal(sentence(description))}, "
                    f"{f'k{name}' if enum else '{}'}}},")
    with open(output, "w", encoding="utf-8") as f:
        f.write("\n".join([HEAD, *values, "const ControlText kTexts[] = {", *rows, "};\n"]))
        f.write("\n} /* namespace */\n\nstd::span<const ControlText> controlTexts()\n{\n\treturn kTexts;\n}\n"
                "\n} /* namespace cmacam::gst */\n")


main(*sys.argv[1:])

# SPDX-License-Identifier: MIT
"""Write the page of the element cmacamsrc, from what GObject and GStreamer know of it, to the file that is the argument."""

import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GObject, Gst  # noqa: E402  (needs the version first)

NAME = "cmacamsrc"
SOURCE = "/src/gst-plugin/src_properties.cpp"


def heading(text, line):
    return [text, line * len(text), ""]


def values_of(spec):
    """What a property takes, in words."""
    if isinstance(spec, GObject.ParamSpecEnum):
        return [f"- ``{value.value_nick}``: {value.value_name}" for value in spec.enum_class.__enum_values__.values()]
    if hasattr(spec, "minimum"):
        return [f"{spec.minimum:g} to {spec.maximum:g}"]
    return []


def when(spec):
    """When a property can be set."""
    if not spec.flags & GObject.ParamFlags.WRITABLE:
        return "read only"
    for flag, words in ((Gst.PARAM_MUTABLE_PLAYING, "in any state"), (Gst.PARAM_MUTABLE_PAUSED, "up to PAUSED"),
                        (Gst.PARAM_MUTABLE_READY, "in NULL and READY")):
        if spec.flags & flag:
            return f"can be set {words}"
    return "can be set"


def default(spec):
    # PyGObject has no value of this type.
    if spec.value_type.name == "GstValueArray":
        return "none"
    value = spec.get_default_value()
    if isinstance(value, GObject.GEnum):
        value = value.value_nick
    return "none" if value is None or value == "" else str(value).lower() if isinstance(value, bool) else str(value)


def properties(element, complaints):
    for spec in sorted(element.list_properties(), key=lambda spec: spec.name):
        # Those of the base classes have pages in GStreamer's own documentation.
        if spec.owner_type != element.__gtype__:
            continue
        if not (spec.blurb or "").strip():
            complaints.append(f"{SOURCE}: property {spec.name}: no documentation")
        yield from heading(spec.name, "~")
        yield from [spec.blurb, "", f"*{spec.value_type.name}, default {default(spec)}, {when(spec)}*", ""]
        yield from [*values_of(spec), ""]


def signals(element):
    names = GObject.signal_list_names(element.__gtype__)
    yield from ([f"- ``{name}``" for name in names] or ["The element has no signals of its own."])
    yield ""


def pads(factory):
    for template in factory.get_static_pad_templates():
        yield from [f"``{template.name_template}`` ({template.direction.value_nick}, {template.presence.value_nick}):", ""]
        yield from ["::", "", *(f"    {structure}" for structure in template.get_caps().to_string().split("; ")), ""]


Gst.init(None)
factory = Gst.ElementFactory.find(NAME)
if not factory:
    sys.exit(f"{SOURCE}: GStreamer does not find {NAME}")
element = factory.load().create(None)
complaints = []
lines = heading(f"The GStreamer element {NAME}", "=")
lines += [factory.get_metadata("description") + ".", ""]
lines += [*heading("Pads", "-"), *pads(factory), *heading("Properties", "-"), *properties(element, complaints),
          *heading("Signals", "-"), *signals(element)]
with open(sys.argv[1], "w") as f:
    f.write("\n".join(lines))
sys.exit("\n".join(complaints) or 0)

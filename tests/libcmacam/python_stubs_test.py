# SPDX-License-Identifier: MIT
"""The stubs of the Python package: they have each name and each parameter of the module, and no others.

The argument is the path of __init__.pyi. pybind11 writes the signature of a function into the first line of its text.
"""

import ast
import re
import sys
import unittest

import cmacam

STUBS = sys.argv.pop(1)
# Special methods that every class has, or that only pybind11 needs.
IGNORED = {"__init__", "__new__", "__module__", "__doc__", "__dict__", "__weakref__"}


def parameters_of(words, name):
    """[(name, has a default)] without self, from the text of a function of pybind11."""
    signature = re.match(rf"{name}\((.*)\)(?: -> .*)?$", words.splitlines()[0])
    # Commas within brackets and quotes are not between parameters.
    parts, depth, quote = [""], 0, ""
    for char in signature[1]:
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        depth += (char in "[({<") - (char in "])}>") if not quote else 0
        if char == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += char
    found = [part.strip() for part in parts if part.strip()]
    return [("**" if part.startswith("**") else re.match(r"\*?\w*", part)[0], "=" in part)
            for part in found if not part.startswith("self:")]


def stub_parameters(function):
    """The same of a function of the stubs."""
    arguments = function.args
    plain = arguments.posonlyargs + arguments.args
    required = len(plain) - len(arguments.defaults)
    found = [(each.arg, number >= required) for number, each in enumerate(plain)]
    if arguments.vararg:
        found.append((f"*{arguments.vararg.arg}", False))
    elif arguments.kwonlyargs:
        found.append(("*", False))
    found += [(each.arg, default is not None) for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults)]
    if arguments.kwarg:
        found.append(("**", False))
    static = any(isinstance(each, ast.Name) and each.id == "staticmethod" for each in function.decorator_list)
    return found if static or not found or found[0][0] != "self" else found[1:]


def is_property(function):
    return any(isinstance(each, ast.Name) and each.id == "property" for each in function.decorator_list)


def public(names):
    return {name for name in names if not name.startswith("_")}


class Stubs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(STUBS) as f:
            tree = ast.parse(f.read())
        cls.classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        cls.functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}

    def members(self, name):
        """{name: function} of a class of the stubs."""
        return {node.name: node for node in self.classes[name].body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}

    def test_module_has_these_names(self):
        self.assertEqual(public(cmacam.__all__), public(self.classes) | public(self.functions))

    def test_classes_have_these_members(self):
        for name in public(self.classes):
            with self.subTest(name):
                own = {each for each in vars(getattr(cmacam, name)) if not each.startswith("_") or each.endswith("__")}
                stubs = set(self.members(name))
                self.assertEqual(own - IGNORED - {"__annotations__", "__static_attributes__", "__firstlineno__"},
                                 stubs - IGNORED)

    def test_properties_are_properties(self):
        for name in public(self.classes):
            for member, stub in self.members(name).items():
                with self.subTest(f"{name}.{member}"):
                    self.assertEqual(isinstance(vars(getattr(cmacam, name)).get(member), property), is_property(stub))

    def test_parameters_are_the_same(self):
        pairs = [(name, name, getattr(cmacam, name), stub) for name, stub in self.functions.items()]
        for owner in public(self.classes):
            pairs += [(f"{owner}.{name}", name, getattr(getattr(cmacam, owner), name), stub)
                      for name, stub in self.members(owner).items()
                      if not is_property(stub) and (name == "__init__" or not name.startswith("_"))]
        for title, name, function, stub in pairs:
            with self.subTest(title):
                self.assertEqual(parameters_of(function.__doc__, name), stub_parameters(stub))

    def test_defaults_of_numbers_and_words_are_the_same(self):
        for owner in ("Camera", "FrameServer", "FrameClient"):
            stub = self.members(owner)["__init__"]
            words = getattr(cmacam, owner).__init__.__doc__.splitlines()[0]
            plain = stub.args.args[len(stub.args.args) - len(stub.args.defaults):]
            pairs = [*zip(plain, stub.args.defaults), *zip(stub.args.kwonlyargs, stub.args.kw_defaults)]
            for argument, default in pairs:
                if isinstance(default, ast.Constant):
                    with self.subTest(f"{owner}({argument.arg})"):
                        value = re.escape(repr(default.value))
                        self.assertRegex(words, rf"\b{argument.arg}: [^,=]*(\[[^=]*\])?[^,=]* = {value}[,)]")


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: MIT
"""Machines of other architectures: their QEMU, root folder, build and tests; the reference machine stays as it is."""

import argparse
import configparser
import dataclasses
import os
import sys
import tempfile
import types
import unittest
from unittest import mock

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(CHECKOUT, "tools"))
import arch  # noqa: E402
import build  # noqa: E402
import hotplug  # noqa: E402
import kernels  # noqa: E402
import paths  # noqa: E402
import rootfs  # noqa: E402
import testing  # noqa: E402
import upstream  # noqa: E402
import vm  # noqa: E402
from arch import AMD64, ARM64, ARMHF  # noqa: E402
from ui import Fail  # noqa: E402

MEMORY = ["-m", "2G", "-object", "memory-backend-memfd,id=mem,size=2G,share=on", "-numa", "node,memdev=mem",
          "-nodefaults", "-no-user-config", "-display", "none"]
OTHERS = (ARM64, ARMHF)
TEST_OPTIONS = {"subjects": [], "match": "",
                **dict.fromkeys(["debug_kernel", "left_out", "long", "soak", "list"], False)}


def arguments(**options):
    return types.SimpleNamespace(**options)


class Emulator(unittest.TestCase):
    def test_the_reference_machine(self):
        self.assertEqual(vm.emulator(vm.Options(), "kvm"),
                         ["qemu-system-x86_64", "-machine", "q35", "-accel", "kvm", "-cpu", "host", "-smp", "2", *MEMORY])
        self.assertEqual(vm.emulator(vm.Options(), "tcg"),
                         ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu",
                          "max,-erms,-fsrm,-fzrm,-fsrs", "-smp", "2", *MEMORY])

    def test_another_architecture(self):
        self.assertEqual(vm.emulator(vm.Options(arch=ARM64), "tcg"),
                         ["qemu-system-aarch64", "-machine", "virt,gic-version=3", "-accel", "tcg,thread=multi", "-cpu",
                          "cortex-a76", "-smp", "2", *MEMORY])

    def test_32_bit_arm_has_its_bus_below_4_gb(self):
        words = vm.emulator(vm.Options(arch=ARMHF), "tcg")
        self.assertEqual(words[:3], ["qemu-system-arm", "-machine", "virt,highmem=off,gic-version=2"])
        self.assertEqual(words[-len(MEMORY):], MEMORY)

    def test_one_cpu_that_counts_instructions(self):
        words = vm.emulator(vm.Options(arch=ARM64, repeatable=True), "tcg")
        self.assertEqual(words[words.index("-smp") + 1], "1")
        self.assertIn("-icount", words)

    def test_complaints_begin_with_the_program(self):
        self.assertTrue(b"qemu-system-aarch64: vfio-user: gone".startswith(hotplug.complaints(ARM64.qemu[0])))
        self.assertFalse(b"qemu-system-aarch64: vfio-user: gone".startswith(hotplug.complaints(AMD64.qemu[0])))

    def test_device_tree(self):
        done = []
        machine = types.SimpleNamespace(
            options=vm.Options(arch=ARM64), _inside=lambda name: f"/run/{name}",
            sandbox=types.SimpleNamespace(run=lambda command, **_: done.append(" ".join(command))))
        self.assertEqual(vm.Machine._device_tree(machine, ["qemu", "-m", "2G"]), "/run/machine.dtb")
        self.assertEqual(done, ["qemu -m 2G -machine dumpdtb=/run/machine.dtb",
                                "fdtput -d /run/machine.dtb /pcie@10000000 dma-coherent",
                                "fdtput /run/machine.dtb /pcie@10000000 dma-noncoherent"])


class RootFolder(unittest.TestCase):
    def test_layers_of_the_reference_machine_are_made_of_two_files(self):
        for layer in rootfs.LAYERS:
            if not layer.arch:
                self.assertEqual(layer.files, (layer.packages, layer.finish))

    def test_a_layer_for_others_is_made_of_their_packages_too(self):
        for other in OTHERS:
            self.assertIn("packages-foreign.txt", other.layer.files)
            self.assertEqual(f"/{other.layer.arch}", other.root)
            self.assertIn(other.layer, rootfs.LAYERS, "./dev clean and the advice about older layers know it")
            for name in other.layer.files:
                self.assertTrue(os.path.exists(os.path.join(paths.TOOLS, name)), name)

    def test_a_layer_for_others_has_the_reference_machine_below(self):
        for other in OTHERS:
            self.assertTrue(rootfs.location(other.layer).startswith(rootfs.location(rootfs.WHOLE) + "-"))

    def test_names_of_the_kernel_packages(self):
        self.assertEqual([each.flavour for each in (AMD64, ARM64, ARMHF)], ["amd64", "arm64", "armmp"])

    def test_build_folders(self):
        self.assertEqual(AMD64.build_folder, os.path.normpath(paths.BUILD))
        for other in OTHERS:
            self.assertEqual(other.build_folder, os.path.join(os.path.normpath(paths.BUILD), other.name))

    def test_the_cross_file_is_there_and_has_the_right_root(self):
        for other in OTHERS:
            cross = configparser.ConfigParser()
            self.assertTrue(cross.read(os.path.join(paths.TOOLS, other.cross)), other.cross)
            self.assertEqual(cross["properties"]["sys_root"], f"'{other.root}'")
            self.assertIn(f"'{other.compiler}'", cross["binaries"]["c"])


class Build(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = os.path.join(folder.name, "arm64")
        self.ran = []
        for module, name, value in ((paths, "BUILD", folder.name), (build, "run", self.run_step)):
            patch = mock.patch.object(module, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def run_step(self, _, command, what):
        self.ran.append((what, command[len(build.IN_ITS_PLACE):]))
        if what.startswith("configure"):
            self.touch("build.ninja", 100)
        self.touch("gst-plugin/libgstcmacam.so", 200)

    def touch(self, name, when):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "a"):
            os.utime(path, (when, when))

    def test_it_is_configured_once(self):
        for _ in range(2):
            build.cross_build(None, True, False, ARM64)
        self.assertEqual([what for what, _ in self.ran], ["configure-arm64", "build-arm64", "build-arm64"])
        self.assertEqual(self.ran[0][1][:4], ["/build/arm64", "meson", "setup", "/build"])
        self.assertEqual(self.ran[2][1], ["/build/arm64", "ninja", "-C", "/build"])

    def test_other_options_make_a_new_folder(self):
        build.cross_build(None, True, False, ARM64)
        self.touch("old", 100)
        build.cross_build(None, True, True, dataclasses.replace(ARM64, setup=("-Dexamples=disabled",)))
        self.assertFalse(os.path.exists(os.path.join(self.folder, "old")))
        self.assertEqual(self.ran[3][1], ["/build/arm64", "ninja", "-C", "/build", "demo"])

    def test_an_old_list_of_plugins_is_removed(self):
        for when, left in ((300, True), (100, False)):
            build.cross_build(None, True, False, ARM64)
            self.touch("gst-registry.bin", when)
            build.cross_build(None, True, False, ARM64)
            self.assertEqual(os.path.exists(os.path.join(self.folder, "gst-registry.bin")), left)


class CommandLine(unittest.TestCase):
    def parse(self, *words):
        parser = argparse.ArgumentParser()
        arch.add_option(parser)
        return parser.parse_args(words)

    def test_the_default_is_the_reference_machine(self):
        self.assertIs(arch.of(self.parse()), AMD64)
        for other in OTHERS:
            self.assertIs(arch.of(self.parse("--arch", other.name)), other)

    def test_options_that_do_not_fit(self):
        for option in ("noncoherent", "debug_kernel", "programs", "gdb"):
            for other in OTHERS:
                with self.assertRaisesRegex(Fail, f"--{option.replace('_', '-')} --arch {other.name}: "):
                    arch.of(arguments(arch=other.name, **{option: True}))
            arch.of(arguments(arch="amd64", **{option: True}))


class Tests(unittest.TestCase):
    def select(self, which, **options):
        return testing.select(arguments(**{**TEST_OPTIONS, **options}), which)

    def test_the_reference_machine_runs_everything(self):
        hosts, tests = self.select(AMD64)
        self.assertEqual(hosts, list(testing.HOST_SUBJECTS))
        self.assertEqual([test for test in tests if testing.missing(test, AMD64.lacks)], [])

    def test_others_run_their_subjects(self):
        for other in OTHERS:
            hosts, tests = self.select(other)
            self.assertEqual(hosts, [])
            self.assertEqual({test.subject for test in tests}, set(other.subjects))

    def test_a_subject_that_is_not_there_yet(self):
        with self.assertRaisesRegex(Fail, "units: not on arm64 yet; the subjects there are memory, "):
            self.select(ARM64, subjects=["units"])

    def test_a_test_that_needs_more_is_skipped_with_its_reason(self):
        added = []
        tally = types.SimpleNamespace(add=lambda *result: added.append(result))
        plain, special = (types.SimpleNamespace(full_name=name, needs=needs) for name, needs in (("a", ()), ("b", ("shim",))))
        self.assertEqual(testing.without_skips([plain, special], tally, ARM64.lacks), [plain])
        self.assertEqual(added, [("b", "skip", 0, "only the shim on amd64 shows data that is not synchronised")])
        self.assertEqual(testing.without_skips([plain, special], tally, AMD64.lacks), [plain, special])

    def test_32_bit_arm_lacks_much_memory(self):
        tests = {test.full_name: testing.missing(test, ARMHF.lacks) for test in self.select(ARMHF, long=True)[1]}
        self.assertRegex(tests["memory.four_buffers_of_8k_contig"], "at most 3 GB")
        for name in ("memory.long_term_pins_cma", "memory.long_term_pins_contig", "memory.every_mover_takes_a_whole_frame_cma",
                     "memory.without_fs_dax_frames_move_and_pins_fail"):
            self.assertEqual(tests[name], "")

    def test_a_machine_has_no_more_memory_than_there_can_be(self):
        for test in self.select(ARMHF, long=True, soak=True)[1]:
            if not testing.missing(test, ARMHF.lacks):
                self.assertLessEqual(int(test.machine.memory.removesuffix("G")), 3, test.full_name)

    def test_nothing_is_needed_that_nobody_explains(self):
        known = {name for which in arch.ARCHES.values() for name, _ in which.lacks}
        known |= {name for kernel in kernels.KERNELS.values() for lacks in kernel.architectures.values() for name, _ in lacks}
        known |= set(upstream.NEEDS)
        for test in self.select(AMD64, long=True, soak=True)[1]:
            self.assertLessEqual(set(test.needs), known, test.full_name)


unittest.main()

"""The suite's last check: nothing of it is left."""

import glob
import os
import unittest

from cloud import work_folder
from guests import Libvirt, processes_with


class LeftoversTest(unittest.TestCase):
    def test_no_domain_process_or_file_is_left(self):
        libvirt = Libvirt()
        self.assertEqual(libvirt.names(), [])
        self.assertEqual(os.listdir(work_folder()), [])
        self.assertEqual(processes_with(work_folder()), [])
        # The files alone prove nothing: a libvirtd killed while it ends a guest forgets to take its file away.
        guests = [os.path.basename(path).removesuffix(".pid") for path in glob.glob(f"{libvirt.folder}/run/qemu/*.pid")]
        self.assertEqual([name for name in guests if name != "driver" and processes_with(f"guest={name},")], [])

"""The suite's last check: nothing of it is left."""

import glob
import os
import unittest

from cloud import work_folder
from guests import Libvirt, processes_with
from programs import eventually


class LeftoversTest(unittest.TestCase):
    def test_no_domain_process_or_file_is_left(self):
        libvirt = Libvirt()
        self.assertEqual(libvirt.names(), [])
        self.assertEqual(os.listdir(work_folder()), [])
        self.assertEqual(processes_with(work_folder()), [])
        eventually(10, lambda: not glob.glob(f"{libvirt.folder}/run/qemu/*.pid"), "no QEMU is left")

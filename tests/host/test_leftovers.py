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
        guests = glob.glob(f"{libvirt.folder}/run/qemu/*.pid")
        self.assertEqual([path for path in guests if os.path.basename(path) != "driver.pid"], [])

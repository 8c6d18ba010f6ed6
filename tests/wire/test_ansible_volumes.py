"""Debian's Ansible makes, attaches, changes, takes off and removes a volume. A module of its own, as test_ansible_servers.py is."""
import unittest

from test_ansible import AnsibleTest


class Volumes(AnsibleTest):
    def test_whole_life(self):
        made = self.play("volumes.yml")
        volume, server = made.results["Make the volume"]["volume_id"], made.results["Launch its server"]["instance_ids"][0]
        attachment, = self.volume(volume)["Attachments"]
        self.assertEqual((server, "/dev/sdf", True), (attachment["InstanceId"], attachment["Device"], attachment["DeleteOnTermination"]))
        self.assertEqual(3, len(self.describe(server)["BlockDeviceMappings"]))
        self.same_again("volumes.yml")
        self.assertEqual(["Make the volume"], self.play("volumes.yml", size=8, iops=3100).changed)
        self.eventually(lambda: (self.volume(volume)["Size"], self.volume(volume)["Iops"]) == (8, 3100))
        self.assertEqual(["Attach it or take it off"], self.play("volumes.yml", size=8, iops=3100, attached=False).changed)
        self.assertEqual([], self.volume(volume)["Attachments"])
        self.play("volumes_gone.yml")
        self.eventually(lambda: self.ec2.describe_volumes()["Volumes"] == [])
        self.assert_nothing_left()

    def volume(self, volume):
        return self.ec2.describe_volumes(VolumeIds=[volume])["Volumes"][0]


if __name__ == "__main__":
    unittest.main()

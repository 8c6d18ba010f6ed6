"""Debian's Ansible launches, changes, stops and ends servers. A module of its own, beside the networks', since each task takes
Ansible two seconds."""
import base64
import unittest

from harness import instances_of
from test_ansible import AnsibleTest


class Servers(AnsibleTest):
    CHANGES = {"owner": "bob", "server_groups": ["servers", "operators"], "protected": True, "unforwarding": False,
               "more_addresses": ["10.40.1.52", "10.40.1.53"], "workers": 1}

    def test_whole_life(self):
        made = self.play("servers.yml")
        self.see_what_was_launched(made.results["Launch the server"]["instance_ids"][0])
        self.same_again("servers.yml")
        changed = self.play("servers.yml", **self.CHANGES).changed
        self.assertEqual(["Launch the server", "Give it an elastic address", "Give the gate a second interface",
                          "Launch the workers in the default VPC"], changed)
        self.see_what_was_changed(self.named("server")[0])
        for state, reached in (("stopped", "stopped"), ("started", "running")):
            settings = {**self.CHANGES, "protected": False, "state": state}
            self.assertEqual(["Launch the server"], self.play("servers.yml", **settings).changed)
            self.assertEqual([reached], [i["State"]["Name"] for i in self.named("server")])
        self.play("servers_gone.yml")
        self.assertEqual({"terminated"}, {i["State"]["Name"] for name in ("server", "gate", "worker") for i in self.named(name)})
        self.assert_nothing_left()

    def named(self, name):
        return instances_of(self.ec2.describe_instances(Filters=[{"Name": "tag:Name", "Values": [name]}]))

    def see_what_was_launched(self, server_id):
        server = self.describe(server_id)
        self.assertEqual(("running", "10.40.1.10", "farm"), (server["State"]["Name"], server["PrivateIpAddress"], server["KeyName"]))
        options = server["MetadataOptions"]
        self.assertEqual(("required", 2, "enabled"),
                         (options["HttpTokens"], options["HttpPutResponseHopLimit"], options["InstanceMetadataTags"]))
        data = self.ec2.describe_instance_attribute(InstanceId=server_id, Attribute="userData")["UserData"]["Value"]
        self.assertIn("server of farm", base64.b64decode(data).decode())
        self.assertEqual(2, len(self.named("worker")))

    def see_what_was_changed(self, server):
        self.assertEqual({"servers", "operators"}, {g["GroupName"] for g in server["SecurityGroups"]})
        self.assertFalse(server["SourceDestCheck"])
        attribute = self.ec2.describe_instance_attribute(InstanceId=server["InstanceId"], Attribute="disableApiTermination")
        self.assertTrue(attribute["DisableApiTermination"]["Value"])
        second = self.ec2.describe_network_interfaces(Filters=[{"Name": "tag:Name", "Values": ["second"]}])["NetworkInterfaces"][0]
        self.assertEqual(["10.40.1.50", "10.40.1.52", "10.40.1.53"], [a["PrivateIpAddress"] for a in second["PrivateIpAddresses"]])
        self.assertEqual("Of bob", second["Description"])


if __name__ == "__main__":
    unittest.main()

"""A host of a cloud with OVN: the agent makes it a chassis, tells when its network is not well, and keeps guests off it."""

from case import CloudTest
from programs import eventually


class NetworkHealthTest(CloudTest):
    with_network = True

    def chassis(self):
        return self.cloud.ovn.sbctl("--bare", "--columns=name", "list", "Chassis").split()

    def test_the_agent_makes_its_host_a_chassis_of_the_clouds_ovn(self):
        eventually(20, lambda: self.chassis() == [self.cloud.host_id], self.cloud.logs)
        ids = self.cloud.ovn.host.vsctl("get", "Open_vSwitch", ".", "external_ids")
        self.assertIn("ovn-bridge-mappings=\"lodge-public:br-lodge-public\"", ids)
        self.assertIn("ovn-encap-type=geneve", ids)

    def test_a_network_that_is_not_well_keeps_new_instances_off_the_host_until_it_is(self):
        for part in ("ovn-controller", "ovs-vswitchd", "ovs-db"):
            with self.subTest(part):
                self.cloud.ovn.kill(part)
                eventually(20, lambda: "can be placed" not in self.cloud.explain(),
                           lambda: f"the host counts as broken\n{self.cloud.logs()}")
                self.cloud.ovn.revive(part)
                self.cloud.wait_schedulable()

"""What the tests of VPCs' parts share: VPCs, subnets and network interfaces to work with."""
import sqlite3
import uuid

from harness import WireTest
from idl import actions


class NetworkTest(WireTest):
    def refused(self, code, call, *arguments, **parameters):
        return self.assert_code(code, lambda: call(*arguments, **parameters))

    def vpc(self, cidr="10.0.0.0/16", ec2=None, **parameters):
        return (ec2 or self.ec2).create_vpc(CidrBlock=cidr, **parameters)["Vpc"]["VpcId"]

    def subnet(self, vpc_id, cidr="10.0.1.0/24", ec2=None, **parameters):
        return (ec2 or self.ec2).create_subnet(VpcId=vpc_id, CidrBlock=cidr, **parameters)["Subnet"]["SubnetId"]

    def gateway(self, vpc_id=None):
        made = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        if vpc_id:
            self.ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=vpc_id)
        return made

    def other_account(self):
        other = self.lodge.client(self.lodge.new_account())
        self.addCleanup(other.close)
        return other

    def database(self, statement, *values):
        """Writes where no action can: time that has passed, and what the actions for it are not there yet."""
        with sqlite3.connect(self.lodge.state_dir / "lodge.db", timeout=30) as database:
            rows = database.execute(statement, values).fetchall()
        database.close()
        return rows

    def interface(self, subnet_id, *addresses, instance_id=""):
        """A network interface with these IPv4 addresses, the first one primary; attached if an instance is given."""
        if "CreateNetworkInterface" in actions() and not instance_id:
            given = [{"PrivateIpAddress": a, "Primary": a == addresses[0]} for a in addresses]
            return self.ec2.create_network_interface(SubnetId=subnet_id, PrivateIpAddresses=given)["NetworkInterface"]["NetworkInterfaceId"]
        subnet = self.ec2.describe_subnets(SubnetIds=[subnet_id])["Subnets"][0]
        made = "eni-" + uuid.uuid4().hex[:17]
        facts = {"id": made, "account_id": self.account.id, "region": "us-east-1", "zone": subnet["AvailabilityZone"],
                 "vpc_id": subnet["VpcId"], "subnet_id": subnet_id, "port_uuid": str(uuid.uuid4()), "mac": "02:00:00:00:00:01",
                 "interface_type": "interface", "description": "", "requester_id": "", "source_dest_check": 1, "public_ip": "",
                 "attachment_id": "eni-attach-" + made[4:] if instance_id else "",
                 "attachment_state": "attached" if instance_id else "", "instance_id": instance_id, "device_index": 0,
                 "delete_on_termination": 0, "attached_ms": 0, "created_ms": 0}
        self.database(f"INSERT INTO network_interfaces ({','.join(facts)}) VALUES ({','.join('?' * len(facts))})", *facts.values())
        for position, address in enumerate(addresses):
            self.database("INSERT INTO network_interface_addresses (subnet_id, address, network_interface_id, is_ipv6, position)"
                          " VALUES (?, ?, ?, 0, ?)", subnet_id, address, made, position)
        return made

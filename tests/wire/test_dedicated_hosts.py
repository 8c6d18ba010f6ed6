"""Dedicated hosts and tenancy: machines for one account, and what is placed on them."""
import unittest

from harness import IMAGE, WireTest, filters, instances_of, tag_specification, tags
from signing import call

UNKNOWN = "h-0123456789abcdef0"
ZONE = "us-east-1a"
LARGE = "m5.8xlarge"  # a simulated host holds one


class HostTest(WireTest):
    options = ("--zones", ZONE)

    def tearDown(self):
        super().tearDown()
        if self.lodge.process.poll() is None:
            self.clear()

    def clear(self, ec2=None):
        """Hosts are everybody's: no test may leave any of them taken."""
        ec2 = ec2 or self.ec2
        ids = [i["InstanceId"] for i in instances_of(ec2.describe_instances()) if i["State"]["Name"] != "terminated"]
        if ids:
            ec2.terminate_instances(InstanceIds=ids)
            self.reach("terminated", ids, ec2)
        held = [h["HostId"] for h in ec2.describe_hosts()["Hosts"] if h["State"] != "released"]
        if held:
            self.assertEqual([], ec2.release_hosts(HostIds=held)["Unsuccessful"])

    def refused(self, code, call_, *arguments, **parameters):
        return self.assert_code(code, lambda: call_(*arguments, **parameters))

    def allocate(self, quantity=1, ec2=None, **parameters):
        given = {"AvailabilityZone": ZONE, "Quantity": quantity, **({} if "InstanceFamily" in parameters else {"InstanceType": "m5.large"}), **parameters}
        return (ec2 or self.ec2).allocate_hosts(**{k: v for k, v in given.items() if v is not None})["HostIds"]

    def host(self, host_id, ec2=None):
        return (ec2 or self.ec2).describe_hosts(HostIds=[host_id])["Hosts"][0]

    def on(self, tenancy="host", kind="m5.large", count=1, most=None, ec2=None, state="running", **placement):
        placement = {k: v for k, v in {"Tenancy": tenancy, **placement}.items() if v is not None}
        reply = (ec2 or self.ec2).run_instances(ImageId=IMAGE, InstanceType=kind, MinCount=count, MaxCount=most or count, Placement=placement)
        ids = [i["InstanceId"] for i in reply["Instances"]]
        if state:
            self.reach(state, ids, ec2)
        return ids

    def stop(self, *ids):
        self.ec2.stop_instances(InstanceIds=list(ids))
        self.reach("stopped", ids)

    def start(self, *ids):
        self.ec2.start_instances(InstanceIds=list(ids))
        self.reach("running", ids)

    def machines(self, ids):
        listed = self.lodge.admin("GET", "/v1/instances")[1]["instances"]
        return {i["id"]: i["host_id"] for i in listed if i["id"] in ids}

    def pools(self):
        return sorted(h["pool"] for h in self.lodge.admin("GET", "/v1/hosts")[1]["hosts"])

    def stranger(self):
        ec2 = self.lodge.client(self.lodge.new_account())
        self.addCleanup(self.clear, ec2)
        return ec2

    def placement(self, instance):
        return self.describe(instance)["Placement"]


class Life(HostTest):
    options = ("--zones", ZONE, "us-west-2a")
    settings = {"hosts": 5}  # by turns: three of them in ZONE

    def test_allocated_shown_released(self):
        one, = self.allocate(ClientToken="t", TagSpecifications=[tag_specification("dedicated-host", a="1")])
        self.assertRegex(one, "^h-[0-9a-f]{17}$")
        self.assertEqual([one], self.allocate(ClientToken="t", TagSpecifications=[tag_specification("dedicated-host", a="1")]))
        self.refused("IdempotentParameterMismatch", self.allocate, ClientToken="t")
        shown = self.host(one)
        shown.pop("AllocationTime")
        room = shown.pop("AvailableCapacity")
        self.assertEqual([{"InstanceType": "m5.large", "AvailableCapacity": 31, "TotalCapacity": 31}], room["AvailableInstanceCapacity"])
        self.assertEqual(512, room["AvailableVCpus"])
        shown.pop("HostMaintenance", None)  # which this boto3 does not know
        self.assertEqual({"AutoPlacement": "on", "AvailabilityZone": ZONE, "AvailabilityZoneId": "use1-az1", "ClientToken": "t", "HostId": one,
                          "HostProperties": {"Cores": 64, "InstanceType": "m5.large", "InstanceFamily": "m5", "Sockets": 1, "TotalVCpus": 512},
                          "Instances": [], "State": "available", "Tags": tags(a="1"), "HostRecovery": "off", "AllowsMultipleInstanceTypes": "off",
                          "OwnerId": self.account.id, "MemberOfServiceLinkedResourceGroup": False}, shown)
        self.assertEqual({"Successful": [one], "Unsuccessful": []}, {k: v for k, v in self.ec2.release_hosts(HostIds=[one]).items() if k != "ResponseMetadata"})
        self.assertEqual("released", self.host(one)["State"])
        self.assertIn("ReleaseTime", self.host(one))
        for change in (lambda: self.ec2.release_hosts(HostIds=[one]), lambda: self.ec2.modify_hosts(HostIds=[one], AutoPlacement="on")):
            self.assertEqual(["InvalidHostState"], [u["Error"]["Code"] for u in change()["Unsuccessful"]])

    def test_all_or_none(self):
        self.refused("InsufficientHostCapacity", self.allocate, 4)
        self.assertEqual([], self.ec2.describe_hosts()["Hosts"])
        self.assertEqual(3, len(set(self.allocate(3))))
        self.refused("InsufficientHostCapacity", self.allocate)
        message = self.refused("InsufficientInstanceCapacity", self.launch)
        self.assertIn("not for this tenancy", message)
        self.refused("InsufficientInstanceCapacity", self.launch, ec2=self.stranger())

    def test_bad_input(self):
        for code, bad in (("MissingParameter", {"InstanceType": None}), ("InvalidParameterCombination", {"InstanceType": "m5.large", "InstanceFamily": "m5"}),
                          ("InvalidParameterValue", {"InstanceType": "m5.tiny"}), ("InvalidParameterValue", {"InstanceFamily": "q7"}),
                          ("InvalidParameterValue", {"AvailabilityZone": "mars"}), ("InvalidParameterValue", {"quantity": 0}),
                          ("InvalidParameterValue", {"AutoPlacement": "maybe"}), ("UnsupportedOperation", {"HostRecovery": "on"}),
                          ("UnsupportedOperation", {"OutpostArn": "arn:aws:outposts:x"}),
                          ("InvalidParameterValue", {"TagSpecifications": [tag_specification("instance", a="b")]})):
            with self.subTest(bad):
                self.refused(code, self.allocate, **bad)
        self.assertEqual("MissingParameter", call(self.lodge, self.account, "AllocateHosts", {"InstanceType": "m5.large", "Quantity": 1}).code)
        for code, bad in (("InvalidHostID.NotFound", UNKNOWN), ("InvalidHostID.Malformed", "h-x")):
            self.refused(code, self.ec2.describe_hosts, HostIds=[bad])
            for change in (self.ec2.release_hosts, lambda HostIds: self.ec2.modify_hosts(HostIds=HostIds, AutoPlacement="off")):
                self.assertEqual([(code, bad)], [(u["Error"]["Code"], u["ResourceId"]) for u in change(HostIds=[bad])["Unsuccessful"]])
        one, = self.allocate()
        self.assertEqual("MissingParameter", call(self.lodge, self.account, "ModifyHosts", {"HostId.1": one}).code)

    def test_filters_tags_and_paging(self):
        one, = self.allocate(AutoPlacement="off", ClientToken="x", TagSpecifications=[tag_specification("dedicated-host", a="1")])
        two, = self.allocate(InstanceFamily="m5")
        found = lambda **f: {h["HostId"] for h in self.ec2.describe_hosts(Filter=filters(**f))["Hosts"]}  # noqa: E731
        self.assertEqual([{one}, {one}, {two}, {one, two}, {one}, {one}, set()],
                         [found(instance_type="m5.*"), found(auto_placement="off"), found(auto_placement="on"), found(state="available", availability_zone=ZONE),
                          found(client_token="x"), found(**{"tag:a": "1"}), found(host_reservation_id="*")])
        self.refused("InvalidParameterValue", found, x="y")
        self.ec2.create_tags(Resources=[one], Tags=tags(b="2"))
        self.assertEqual(tags(a="1", b="2"), self.host(one)["Tags"])
        self.assertEqual({"dedicated-host"}, {t["ResourceType"] for t in self.ec2.describe_tags()["Tags"]})
        self.assertEqual(2, len(self.ec2.describe_hosts(MaxResults=5)["Hosts"]))
        self.refused("InvalidParameterValue", self.ec2.describe_hosts, MaxResults=501)
        self.refused("InvalidParameterCombination", self.ec2.describe_hosts, MaxResults=5, HostIds=[one])
        self.refused("InvalidNextToken", self.ec2.describe_hosts, NextToken="rubbish")

    def test_others_see_nothing(self):
        one, = self.allocate()
        for ec2 in (self.stranger(), self.lodge.client(self.account, region="us-west-2")):
            self.assertEqual([], ec2.describe_hosts()["Hosts"])
            self.assertEqual(["InvalidHostID.NotFound"], [u["Error"]["Code"] for u in ec2.release_hosts(HostIds=[one])["Unsuccessful"]])
        self.refused("InvalidHostID.NotFound", self.on, ec2=self.stranger(), HostId=one)
        self.refused("InsufficientCapacityOnHost", self.on, ec2=self.stranger())


class Launches(HostTest):
    def test_by_id_and_by_auto_placement(self):
        one, two = self.allocate(), self.allocate(AutoPlacement="off")
        first, = self.on(HostId=two[0], Affinity="host")
        second, = self.on()
        shown = self.placement(first)
        self.assertEqual(("host", "host", two[0]), (shown["Tenancy"], shown["Affinity"], shown["HostId"]))
        shown = self.placement(second)
        self.assertEqual(("host", "default", one[0]), (shown["Tenancy"], shown["Affinity"], shown["HostId"]))
        self.assertEqual([{"InstanceId": first, "InstanceType": "m5.large", "OwnerId": self.account.id}], self.host(two[0])["Instances"])
        self.assertEqual([30], [c["AvailableCapacity"] for c in self.host(two[0])["AvailableCapacity"]["AvailableInstanceCapacity"]])
        found = lambda **f: [i["InstanceId"] for i in instances_of(self.ec2.describe_instances(Filters=filters(**f)))]  # noqa: E731
        self.assertEqual([[first], [first], 2], [found(host_id=two[0]), found(affinity="host"), len(found(tenancy="host"))])
        third, = self.on(tenancy=None, HostId=two[0])  # which says it all
        self.assertEqual("host", self.placement(third)["Tenancy"])
        self.assertEqual(2, len(set(self.machines([first, second]).values())))

    def test_what_does_not_go_together(self):
        one, = self.allocate(AutoPlacement="off")
        for code, given in (("InvalidParameterCombination", {"tenancy": "default", "HostId": one}), ("InvalidParameterCombination", {"tenancy": "dedicated", "Affinity": "host"}),
                            ("InvalidParameterCombination", {"HostId": one, "kind": "m5.xlarge"}), ("InvalidHostID.Malformed", {"HostId": "h-x"}),
                            ("InvalidHostID.NotFound", {"HostId": UNKNOWN}), ("InvalidParameterValue", {"tenancy": "shared"}),
                            ("InsufficientCapacityOnHost", {}), ("InsufficientCapacityOnHost", {"HostId": one, "count": 32})):
            with self.subTest(given):
                self.refused(code, self.on, **given)
        self.ec2.release_hosts(HostIds=[one])
        self.refused("InvalidHostState", self.on, HostId=one)

    def test_full_hosts(self):
        hosts = self.allocate(2, InstanceFamily="m5")
        self.assertEqual(2, len(self.on(kind=LARGE, count=1, most=5)))
        self.assertIn("dedicated hosts", self.refused("InsufficientCapacityOnHost", self.on, kind=LARGE))
        self.assertEqual(0, next(c["AvailableCapacity"] for c in self.host(hosts[0])["AvailableCapacity"]["AvailableInstanceCapacity"] if c["InstanceType"] == LARGE))
        self.refused("InsufficientCapacityOnHost", self.on, kind="t3.nano")
        self.on("default", kind=LARGE)  # there is the third host

    def test_occupied_hosts_stay(self):
        one, two = self.allocate(2)
        instance, = self.on(HostId=one, Affinity="host")
        reply = self.ec2.release_hosts(HostIds=[one, two])
        self.assertEqual(([two], [("InvalidHost.Occupied", one)]), (reply["Successful"], [(u["Error"]["Code"], u["ResourceId"]) for u in reply["Unsuccessful"]]))
        self.stop(instance)
        self.start(instance)
        self.assertEqual(one, self.placement(instance)["HostId"])
        self.stop(instance)
        self.assertEqual([one], self.ec2.release_hosts(HostIds=[one])["Successful"])
        self.refused("InsufficientCapacityOnHost", self.ec2.start_instances, InstanceIds=[instance])

    def test_modified(self):
        one, = self.allocate()
        self.on()
        self.assertEqual([one], self.ec2.modify_hosts(HostIds=[one], InstanceFamily="m5", AutoPlacement="off")["Successful"])
        shown = self.host(one)
        self.assertEqual(("off", "on", "m5", None), (shown["AutoPlacement"], shown["AllowsMultipleInstanceTypes"], shown["HostProperties"]["InstanceFamily"], shown["HostProperties"].get("InstanceType")))
        self.refused("InsufficientCapacityOnHost", self.on, kind="m5.xlarge")
        self.on(kind="m5.xlarge", HostId=one)
        self.assertEqual(["InvalidHostConfiguration"], [u["Error"]["Code"] for u in self.ec2.modify_hosts(HostIds=[one], InstanceType="m5.large")["Unsuccessful"]])
        self.refused("InvalidParameterCombination", self.ec2.modify_hosts, HostIds=[one], InstanceType="m5.large", InstanceFamily="m5")


class Tenancy(HostTest):
    def test_dedicated_instances_are_alone(self):
        other = self.stranger()
        one, = self.on("dedicated", kind="t3.nano")
        self.assertEqual(("dedicated", None), (self.placement(one)["Tenancy"], self.placement(one).get("HostId")))
        two, = self.on("dedicated", kind="t3.nano")
        theirs, = self.on("dedicated", kind="t3.nano", ec2=other)
        shared, = self.on("default", kind="t3.nano")
        machines = self.machines([one, two, theirs, shared])
        self.assertEqual(machines[one], machines[two])
        self.assertEqual(3, len(set(machines.values())))
        self.assertIn(f"dedicated/{self.account.id}", self.pools())
        third = self.lodge.client(self.lodge.new_account())
        message = self.refused("InsufficientInstanceCapacity", self.on, "dedicated", ec2=third)
        self.assertIn("not for this tenancy", message)
        self.refused("InsufficientHostCapacity", self.allocate)
        self.assertEqual({one, two}, {i["InstanceId"] for i in instances_of(self.ec2.describe_instances(Filters=filters(tenancy="dedicated")))})
        self.stop(one, two)
        self.on(None, kind=LARGE)
        self.on(None, kind=LARGE)  # one of the two is where they have been
        self.refused("InsufficientInstanceCapacity", self.ec2.start_instances, InstanceIds=[one])
        self.clear()

    def test_of_a_vpc(self):
        vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16", InstanceTenancy="dedicated")["Vpc"]
        self.assertEqual("dedicated", vpc["InstanceTenancy"])
        subnet = self.ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock="10.0.0.0/24", AvailabilityZone=ZONE)["Subnet"]["SubnetId"]
        tenancy = lambda **p: self.ec2.run_instances(ImageId=IMAGE, InstanceType="t3.nano", MinCount=1, MaxCount=1, SubnetId=subnet, **p)["Instances"][0]["Placement"]["Tenancy"]  # noqa: E731
        self.assertEqual(["dedicated", "dedicated"], [tenancy(), tenancy(Placement={"Tenancy": "default"})])
        self.refused("DryRunOperation", self.ec2.modify_vpc_tenancy, VpcId=vpc["VpcId"], InstanceTenancy="default", DryRun=True)
        self.refused("InvalidParameterValue", self.ec2.modify_vpc_tenancy, VpcId=vpc["VpcId"], InstanceTenancy="dedicated")
        self.refused("InvalidVpcID.NotFound", self.ec2.modify_vpc_tenancy, VpcId="vpc-0123456789abcdef0", InstanceTenancy="default")
        self.assertTrue(self.ec2.modify_vpc_tenancy(VpcId=vpc["VpcId"], InstanceTenancy="default")["ReturnValue"])
        self.assertEqual("default", self.ec2.describe_vpcs(VpcIds=[vpc["VpcId"]])["Vpcs"][0]["InstanceTenancy"])
        self.assertEqual("default", tenancy())

    def test_again_alone(self):
        one, = self.on("dedicated", kind="t3.nano")
        self.stop(one)
        self.start(one)
        self.assertEqual("dedicated", self.placement(one)["Tenancy"])

    def test_changed(self):
        one, = self.on("dedicated")
        modify = lambda **p: self.ec2.modify_instance_placement(InstanceId=one, **p)  # noqa: E731
        self.refused("IncorrectInstanceState", modify, Tenancy="host")
        self.stop(one)
        machine = self.machines([one])[one]
        self.assertTrue(modify(Tenancy="host", Affinity="host")["Return"])
        self.refused("InsufficientCapacityOnHost", self.ec2.start_instances, InstanceIds=[one])
        hosts = self.allocate(3, InstanceFamily="m5")
        owner = {}
        for host in hosts:  # only one of them is where its disk is
            try:
                modify(HostId=host)
                owner[host] = machine
            except self.ec2.exceptions.ClientError as error:
                self.assertEqual("UnsupportedOperation", error.response["Error"]["Code"])
        self.assertEqual(1, len(owner))
        self.start(one)
        self.assertEqual((list(owner)[0], "host"), tuple(self.placement(one)[k] for k in ("HostId", "Affinity")))
        self.stop(one)
        for code, bad in (("InvalidTenancy", {"Tenancy": "default"}), ("InvalidHostID.NotFound", {"HostId": UNKNOWN}), ("InvalidParameterValue", {"Affinity": "x"}),
                          ("InvalidParameterCombination", {"Tenancy": "dedicated", "HostId": hosts[0]})):
            self.refused(code, modify, **bad)
        modify(Tenancy="dedicated")
        self.assertEqual(("dedicated", None), (self.placement(one)["Tenancy"], self.placement(one).get("HostId")))

    def test_the_default_cannot_change(self):
        one, = self.on("default")
        self.stop(one)
        self.refused("InvalidTenancy", self.ec2.modify_instance_placement, InstanceId=one, Tenancy="dedicated")

    def test_through_a_template(self):
        host, = self.allocate()
        self.ec2.create_launch_template(LaunchTemplateName="mine", LaunchTemplateData={
            "ImageId": IMAGE, "InstanceType": "m5.large", "Placement": {"Tenancy": "host", "HostId": host, "Affinity": "host"}})
        one = self.ec2.run_instances(LaunchTemplate={"LaunchTemplateName": "mine"}, MinCount=1, MaxCount=1)["Instances"][0]
        self.assertEqual(host, one["Placement"]["HostId"])
        data = self.ec2.get_launch_template_data(InstanceId=one["InstanceId"])["LaunchTemplateData"]["Placement"]
        self.assertEqual(("host", host, "host"), (data["Tenancy"], data["HostId"], data["Affinity"]))

    def test_reservations_are_not_used_on_them(self):
        self.allocate()
        made = self.ec2.create_capacity_reservation(InstanceType="m5.large", InstancePlatform="Linux/UNIX", AvailabilityZone=ZONE, InstanceCount=1)["CapacityReservation"]["CapacityReservationId"]
        self.addCleanup(self.ec2.cancel_capacity_reservation, CapacityReservationId=made)
        one, = self.on()
        self.assertNotIn("CapacityReservationId", self.describe(one))
        self.assert_code("InvalidParameterCombination", lambda: self.ec2.run_instances(
            ImageId=IMAGE, InstanceType="m5.large", MinCount=1, MaxCount=1, Placement={"Tenancy": "host"},
            CapacityReservationSpecification={"CapacityReservationTarget": {"CapacityReservationId": made}}))


class AcrossRestarts(HostTest):
    options = ("--zones", ZONE, "--lease-ms", "15000")

    def test_machines_are_kept(self):
        host, = self.allocate()
        one, = self.on(HostId=host)
        two, = self.on("dedicated")
        self.lodge.kill()
        self.lodge.start()
        self.ec2 = self.lodge.client(self.account)
        self.reach("stopped", [one, two])  # simulated guests end with lodged
        self.assertEqual("available", self.host(host)["State"])
        self.assertEqual(["", "", "host"], self.pools())
        self.refused("InsufficientInstanceCapacity", self.on, "default", kind=LARGE, count=3, ec2=self.stranger())
        self.start(one, two)
        self.assertEqual(host, self.placement(one)["HostId"])


if __name__ == "__main__":
    unittest.main()

"""Snapshots: made of volumes and of whole instances, listed, tagged, copied, shared and deleted, and volumes made of them."""
import unittest

from botocore.exceptions import ClientError
from harness import filters, tag_specification, tags
from test_volumes import VolumeTest, root

UNKNOWN = "snap-0123456789abcdef0"
BAD = ("snap-xyz", "snap-", "vol-0123456789abcdef0", "x")


class SnapshotTest(VolumeTest):
    def completed(self, *ids, ec2=None):
        (ec2 or self.ec2).get_waiter("snapshot_completed").wait(SnapshotIds=list(ids), WaiterConfig={"Delay": 0.05, "MaxAttempts": 1200})

    def snapshot(self, volume, **parameters):
        made = self.ec2.create_snapshot(VolumeId=volume, **parameters)["SnapshotId"]
        self.completed(made)
        return made

    def shown(self, snapshot, ec2=None):
        return (ec2 or self.ec2).describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]

    def snapshot_ids(self, ec2=None, **parameters):
        return [s["SnapshotId"] for s in (ec2 or self.ec2).describe_snapshots(**parameters)["Snapshots"]]

    def stranger(self):
        account = self.lodge.new_account()
        ec2 = self.lodge.client(account)
        self.addCleanup(ec2.close)
        return account, ec2

    def share(self, snapshot, add=(), remove=(), **more):
        self.ec2.modify_snapshot_attribute(SnapshotId=snapshot, CreateVolumePermission={"Add": list(add), "Remove": list(remove)}, **more)

    def permissions(self, snapshot):
        return self.ec2.describe_snapshot_attribute(SnapshotId=snapshot, Attribute="createVolumePermission")["CreateVolumePermissions"]

    def image_of(self, snapshot, name="of-a-snapshot", **ebs):
        return self.ec2.register_image(Name=name, BlockDeviceMappings=[
            {"DeviceName": "/dev/vda", "Ebs": {"SnapshotId": snapshot, **ebs}}])["ImageId"]


class Snapshots(SnapshotTest):
    def test_one_of_a_running_guests_root_disk(self):
        a = self.guest(**root(VolumeSize=3))
        volume = self.root_of(a)
        made = self.ec2.create_snapshot(VolumeId=volume, Description="a <b>", TagSpecifications=[tag_specification("snapshot", Name="s")])
        self.assertRegex(made["SnapshotId"], "^snap-[0-9a-f]{17}$")
        self.assertEqual(("pending", "", volume, 3, "a <b>", self.account.id, False, tags(Name="s")), tuple(
            made[name] for name in ("State", "Progress", "VolumeId", "VolumeSize", "Description", "OwnerId", "Encrypted", "Tags")))
        self.completed(made["SnapshotId"])
        del made["ResponseMetadata"]
        self.assertEqual({**made, "State": "completed", "Progress": "100%"}, self.shown(made["SnapshotId"]))
        self.assertEqual("standard", made["StorageTier"])
        self.assertEqual("running", self.states([a])[a])
        self.assertEqual("in-use", self.volume(volume)["State"])

    def test_one_of_a_volume_that_was_never_attached(self):
        snapshot = self.snapshot(self.create(Size=2))
        self.assertEqual((2, "100%", "", []), tuple(self.shown(snapshot).get(name, []) for name in ("VolumeSize", "Progress", "Description", "Tags")))

    def test_one_after_the_other(self):
        """Each goes by itself, whichever lies on which."""
        volume = self.root_of(self.guest())
        first, second, third = (self.snapshot(volume) for _ in range(3))
        self.ec2.delete_snapshot(SnapshotId=first)
        self.ec2.delete_snapshot(SnapshotId=second)
        self.assertEqual([third], self.snapshot_ids(OwnerIds=["self"]))
        self.assertEqual(third, self.volume(self.create(SnapshotId=third))["SnapshotId"])

    def test_one_of_a_stopped_instance_and_its_next_start(self):
        a = self.guest()
        self.ec2.stop_instances(InstanceIds=[a])
        self.reach("stopped", [a])
        self.snapshot(self.root_of(a))
        self.ec2.start_instances(InstanceIds=[a])
        self.reach("running", [a])
        self.snapshot(self.root_of(a))

    def test_they_outlive_their_volume(self):
        a = self.guest()
        volume = self.root_of(a)
        made = self.ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
        self.ec2.terminate_instances(InstanceIds=[a])
        self.reach("terminated", [a])
        self.completed(made)
        self.gone(volume)
        self.assertEqual(volume, self.shown(made)["VolumeId"])
        self.create(SnapshotId=made)

    def test_a_volume_without_a_guest_lies_on_so_many(self):
        guest = self.guest()
        volume = self.root_of(guest)
        self.ec2.stop_instances(InstanceIds=[guest])
        self.reach("stopped", [guest])
        made = [self.ec2.create_snapshot(VolumeId=volume)["SnapshotId"] for _ in range(64)]
        self.assert_code("SnapshotLimitExceeded", self.ec2.create_snapshot, volume, "64", VolumeId=volume)
        self.completed(*made)
        self.ec2.start_instances(InstanceIds=[guest])
        self.reach("running", [guest])
        self.eventually(lambda: self.one_more(volume, made))

    def one_more(self, volume, made):
        try:
            made.append(self.snapshot(volume))
        except ClientError:
            return False
        return True

    def test_a_volume_of_a_running_guest_has_no_end_of_them(self):
        volume = self.root_of(self.guest())
        made = []
        for _ in range(100):
            self.eventually(lambda: self.one_more(volume, made))
        for each in made:
            self.ec2.delete_snapshot(SnapshotId=each)
        self.ec2.create_snapshot(VolumeId=volume)

    def test_filters(self):
        one, two = self.create(Size=1), self.create(Size=12)
        first = self.snapshot(one, Description="first", TagSpecifications=[tag_specification("snapshot", a="1")])
        second = self.snapshot(two, Description="second")
        day = self.shown(first)["StartTime"].strftime("%Y-%m-%d")
        for name, value, expected in (("description", "fir*", [first]), ("encrypted", "false", [first, second]), ("encrypted", "true", []),
                                      ("owner-alias", "amazon", []), ("owner-id", self.account.id, [first, second]), ("progress", "100%", [first, second]),
                                      ("snapshot-id", second, [second]), ("start-time", day + "*", [first, second]),
                                      ("status", "completed", [first, second]), ("status", "pending", []), ("storage-tier", "standard", [first, second]),
                                      ("volume-id", two, [second]), ("volume-size", "12", [second]), ("volume-size", "1*", [first, second]),
                                      ("tag:a", "1", [first]), ("tag-key", "a", [first])):
            with self.subTest(f"{name}={value}"):
                self.assertEqual(sorted(expected), self.snapshot_ids(OwnerIds=["self"], Filters=[{"Name": name, "Values": [value]}]))
        self.assert_code("InvalidParameterValue", self.ec2.describe_snapshots, "nonsense", Filters=filters(nonsense="x"))

    def test_pages(self):
        volume = self.create()
        whole = sorted(self.snapshot(volume) for _ in range(12))
        pages = list(self.ec2.get_paginator("describe_snapshots").paginate(OwnerIds=["self"], PaginationConfig={"PageSize": 5}))
        self.assertEqual([whole[:5], whole[5:10], whole[10:]], [[s["SnapshotId"] for s in page["Snapshots"]] for page in pages])
        self.assert_code("InvalidParameterCombination", self.ec2.describe_snapshots, SnapshotIds=whole[:1], MaxResults=5)
        self.assert_code("InvalidParameterValue", self.ec2.describe_snapshots, MaxResults=4)

    def test_tags(self):
        made = self.snapshot(self.create(), TagSpecifications=[tag_specification("snapshot", a="1")])
        self.ec2.create_tags(Resources=[made], Tags=tags(b="2"))
        self.assertCountEqual(tags(a="1", b="2"), self.shown(made)["Tags"])
        self.assertEqual({"snapshot"}, {t["ResourceType"] for t in self.ec2.describe_tags(Filters=filters(resource_id=made))["Tags"]})
        self.ec2.delete_tags(Resources=[made], Tags=[{"Key": "a"}])
        self.assertEqual(tags(b="2"), self.shown(made)["Tags"])
        self.ec2.delete_snapshot(SnapshotId=made)
        self.assertEqual([], self.ec2.describe_tags(Filters=filters(resource_id=made))["Tags"])
        self.assert_code("InvalidSnapshot.NotFound", self.ec2.create_tags, made, Resources=[made], Tags=tags(a="1"))
        volume = self.create()
        for bad in ("volume", "image"):
            self.assert_code("InvalidParameterValue", self.ec2.create_snapshot, bad, VolumeId=volume, TagSpecifications=[tag_specification(bad, a="1")])

    def test_deleted(self):
        made = self.snapshot(self.create())
        self.assert_code("DryRunOperation", self.ec2.delete_snapshot, SnapshotId=made, DryRun=True)
        self.ec2.delete_snapshot(SnapshotId=made)
        self.assert_code("InvalidSnapshot.NotFound", self.ec2.describe_snapshots, made, SnapshotIds=[made])
        self.assert_code("InvalidSnapshot.NotFound", self.ec2.delete_snapshot, made, SnapshotId=made)
        self.assert_code("InvalidSnapshot.NotFound", self.ec2.create_volume, made, AvailabilityZone=self.ZONE, SnapshotId=made)

    def test_what_an_image_begins_with_is_in_use(self):
        made = self.snapshot(self.create())
        image = self.image_of(made)
        self.assert_code("InvalidSnapshot.InUse", self.ec2.delete_snapshot, made, image, SnapshotId=made)
        self.ec2.deregister_image(ImageId=image)
        self.ec2.delete_snapshot(SnapshotId=made)
        self.assertEqual([], self.snapshot_ids(OwnerIds=["self"]))

    def test_bad_requests(self):
        volume = self.create()
        self.assert_code("InvalidVolume.NotFound", self.ec2.create_snapshot, VolumeId="vol-0123456789abcdef0")
        self.assert_code("InvalidParameterValue", self.ec2.create_snapshot, VolumeId="vol-1")
        self.assert_code("InvalidParameterValue", self.ec2.create_snapshot, "Description", VolumeId=volume, Description="x" * 256)
        self.assert_code("UnsupportedOperation", self.ec2.create_snapshot, "OutpostArn", VolumeId=volume, OutpostArn="arn:x")
        self.assert_code("DryRunOperation", self.ec2.create_snapshot, VolumeId=volume, DryRun=True)
        self.assert_code("InvalidSnapshot.NotFound", self.ec2.describe_snapshots, UNKNOWN, SnapshotIds=[UNKNOWN])
        for bad in BAD:
            with self.subTest(bad):
                self.assert_code("InvalidSnapshotID.Malformed", self.ec2.describe_snapshots, bad, SnapshotIds=[bad])
                self.assert_code("InvalidSnapshotID.Malformed", self.ec2.delete_snapshot, bad, SnapshotId=bad)
        self.assertEqual([], self.snapshot_ids(OwnerIds=["self"]))

    def test_another_account_sees_none_of_it(self):
        made = self.snapshot(self.create())
        account, other = self.stranger()
        self.assertNotIn(made, self.snapshot_ids(other))
        self.assert_code("InvalidSnapshot.NotFound", other.describe_snapshots, SnapshotIds=[made])
        self.assert_code("InvalidSnapshot.NotFound", other.delete_snapshot, SnapshotId=made)
        self.assert_code("InvalidSnapshot.NotFound", other.create_volume, AvailabilityZone=self.ZONE, SnapshotId=made)
        self.assert_code("InvalidSnapshot.NotFound", other.copy_snapshot, SourceRegion="us-east-1", SourceSnapshotId=made)
        self.assert_code("InvalidSnapshot.NotFound", other.create_tags, Resources=[made], Tags=tags(a="1"))
        self.assert_code("InvalidSnapshot.NotFound", other.register_image, Name="theirs", BlockDeviceMappings=[
            {"DeviceName": "/dev/vda", "Ebs": {"SnapshotId": made}}])
        self.assert_code("InvalidVolume.NotFound", other.create_snapshot, VolumeId=self.shown(made)["VolumeId"])


class OfAnInstance(SnapshotTest):
    def setUp(self):
        super().setUp()
        self.instance = self.guest()
        self.root_disk = self.root_of(self.instance)
        self.data, self.other = self.create(Size=2), self.create(Size=3)
        self.attach(self.data, self.instance)
        self.attach(self.other, self.instance, "/dev/sdg")

    def make(self, specification=None, **parameters):
        """{volume: snapshot as it is answered}"""
        made = self.ec2.create_snapshots(InstanceSpecification={"InstanceId": self.instance, **(specification or {})}, **parameters)["Snapshots"]
        self.completed(*(s["SnapshotId"] for s in made))
        return {s["VolumeId"]: s for s in made}

    def test_all_of_its_volumes(self):
        made = self.make(Description="all", TagSpecifications=[tag_specification("snapshot", Name="s")])
        self.assertEqual({self.root_disk: 1, self.data: 2, self.other: 3}, {volume: s["VolumeSize"] for volume, s in made.items()})
        for volume, snapshot in made.items():
            self.assertEqual(("pending", "all", self.account.id, False, tags(Name="s")), tuple(
                snapshot[name] for name in ("State", "Description", "OwnerId", "Encrypted", "Tags")))
            self.assertEqual((volume, "completed"), tuple(self.shown(snapshot["SnapshotId"])[name] for name in ("VolumeId", "State")))

    def test_some_of_them(self):
        self.assertEqual({self.data, self.other}, set(self.make({"ExcludeBootVolume": True})))
        self.assertEqual({self.root_disk, self.other}, set(self.make({"ExcludeDataVolumeIds": [self.data]})))
        self.assertEqual({self.other}, set(self.make({"ExcludeBootVolume": True, "ExcludeDataVolumeIds": [self.data]})))
        self.ec2.detach_volume(VolumeId=self.data)
        self.free(self.data)
        self.assertEqual({self.root_disk, self.other}, set(self.make()))

    def test_their_volumes_tags(self):
        self.ec2.create_tags(Resources=[self.data], Tags=tags(a="volume's", b="volume's"))
        made = self.make({"ExcludeBootVolume": True}, CopyTagsFromSource="volume", TagSpecifications=[tag_specification("snapshot", a="given")])
        self.assertCountEqual(tags(a="given", b="volume's"), made[self.data]["Tags"])
        self.assertEqual(tags(a="given"), made[self.other]["Tags"])

    def test_of_a_stopped_one(self):
        self.ec2.stop_instances(InstanceIds=[self.instance])
        self.reach("stopped", [self.instance])
        self.assertEqual(3, len(self.make()))

    def test_what_is_refused(self):
        ask = self.ec2.create_snapshots
        specification = lambda **more: {"InstanceSpecification": {"InstanceId": self.instance, **more}}  # noqa: E731
        for bad in ("vol-0123456789abcdef0", "vol-1", self.root_disk):
            self.assert_code("InvalidParameterValue", ask, bad, **specification(ExcludeDataVolumeIds=[bad]))
        self.assert_code("InvalidParameterValue", ask, "left", **specification(ExcludeBootVolume=True, ExcludeDataVolumeIds=[self.data, self.other]))
        self.assert_code("InvalidInstanceID.NotFound", ask, InstanceSpecification={"InstanceId": "i-0123456789abcdef0"})
        self.assert_code("InvalidInstanceID.Malformed", ask, InstanceSpecification={"InstanceId": "x"})
        self.assert_code("InvalidParameterValue", ask, CopyTagsFromSource="instance", **specification())
        self.assert_code("DryRunOperation", ask, DryRun=True, **specification())
        self.ec2.terminate_instances(InstanceIds=[self.instance])
        self.reach("terminated", [self.instance])
        self.assert_code("IncorrectInstanceState", ask, self.instance, **specification())
        self.assertEqual([], self.snapshot_ids(OwnerIds=["self"]))


class Sharing(SnapshotTest):
    def setUp(self):
        super().setUp()
        self.other_account, self.other = self.stranger()
        self.mine = self.snapshot(self.create(Size=2))

    def test_another_account_makes_volumes_of_it(self):
        self.assertEqual([], self.permissions(self.mine))
        self.share(self.mine, add=[{"UserId": self.other_account.id}])
        self.assertEqual([{"UserId": self.other_account.id}], self.permissions(self.mine))
        self.assertEqual(self.account.id, self.shown(self.mine, self.other)["OwnerId"])
        self.assertIn(self.mine, self.snapshot_ids(self.other))
        volume = self.other.create_volume(AvailabilityZone=self.ZONE, SnapshotId=self.mine)
        self.assertEqual((2, self.mine), (volume["Size"], volume["SnapshotId"]))
        self.share(self.mine, remove=[{"UserId": self.other_account.id}])
        self.assertEqual([], self.permissions(self.mine))
        self.assert_code("InvalidSnapshot.NotFound", self.other.create_volume, AvailabilityZone=self.ZONE, SnapshotId=self.mine)
        self.assertEqual("available", self.other.describe_volumes(VolumeIds=[volume["VolumeId"]])["Volumes"][0]["State"])

    def test_everybody(self):
        self.share(self.mine, add=[{"Group": "all"}])
        self.assertEqual([{"Group": "all"}], self.permissions(self.mine))
        self.assertIn(self.mine, self.snapshot_ids(self.other))
        self.assertIn(self.mine, self.snapshot_ids(self.other, RestorableByUserIds=["all"]))
        self.share(self.mine, remove=[{"Group": "all"}])
        self.assertNotIn(self.mine, self.snapshot_ids(self.other))

    def test_the_older_form(self):
        ask = lambda **given: self.ec2.modify_snapshot_attribute(SnapshotId=self.mine, Attribute="createVolumePermission", **given)  # noqa: E731
        ask(OperationType="add", UserIds=[self.other_account.id, self.account.id], GroupNames=["all"])
        self.assertEqual({"all", self.other_account.id, self.account.id}, {v for p in self.permissions(self.mine) for v in p.values()})
        ask(OperationType="remove", GroupNames=["all"], UserIds=[self.account.id])
        self.assertEqual([{"UserId": self.other_account.id}], self.permissions(self.mine))
        self.ec2.reset_snapshot_attribute(SnapshotId=self.mine, Attribute="createVolumePermission")
        self.assertEqual([], self.permissions(self.mine))

    def test_whose_and_for_whom(self):
        kept = self.snapshot(self.create())
        self.share(self.mine, add=[{"UserId": self.other_account.id}])
        self.assertEqual({self.mine, kept}, set(self.snapshot_ids(OwnerIds=["self"])))
        self.assertEqual([self.mine], self.snapshot_ids(self.other, OwnerIds=[self.account.id]))
        self.assertEqual([], self.snapshot_ids(self.other, OwnerIds=["self"]))
        self.assertEqual([], self.snapshot_ids(OwnerIds=["amazon"]))
        self.assertEqual([self.mine], self.snapshot_ids(self.other, RestorableByUserIds=["self"]))
        self.assertEqual([self.mine], self.snapshot_ids(self.other, RestorableByUserIds=[self.other_account.id]))
        self.assertEqual([self.mine], self.snapshot_ids(RestorableByUserIds=[self.other_account.id]))
        self.assertEqual({self.mine, kept}, set(self.snapshot_ids(RestorableByUserIds=["self"])), "one's own are restorable by oneself")
        third, _ = self.stranger()
        self.share(self.mine, add=[{"UserId": third.id}])
        self.assertEqual([], self.snapshot_ids(self.other, RestorableByUserIds=[third.id]), "whom else it is shared with is the owner's to know")

    def test_it_lends_no_rights_over_it(self):
        self.share(self.mine, add=[{"UserId": self.other_account.id}])
        word = f"Not authorized for snapshot:{self.mine}"
        for ask, parameters in ((self.other.delete_snapshot, {}), (self.other.describe_snapshot_attribute, {"Attribute": "createVolumePermission"}),
                                (self.other.modify_snapshot_attribute, {"CreateVolumePermission": {"Add": [{"Group": "all"}]}}),
                                (self.other.reset_snapshot_attribute, {"Attribute": "createVolumePermission"})):
            self.assert_code("AuthFailure", ask, word, SnapshotId=self.mine, **parameters)
        self.other.create_tags(Resources=[self.mine], Tags=tags(whose="theirs"))
        self.assertEqual(tags(whose="theirs"), self.shown(self.mine, self.other)["Tags"])
        self.assertFalse(self.shown(self.mine).get("Tags"))

    def test_a_copy_is_ones_own(self):
        self.share(self.mine, add=[{"UserId": self.other_account.id}])
        reply = self.other.copy_snapshot(SourceRegion="us-east-1", SourceSnapshotId=self.mine, Description="copied",
                                         TagSpecifications=[tag_specification("snapshot", a="1")])
        copy = reply["SnapshotId"]
        self.assertNotEqual(self.mine, copy)
        self.assertEqual(tags(a="1"), reply["Tags"])
        self.completed(copy, ec2=self.other)
        shown = self.shown(copy, self.other)
        self.assertEqual(("vol-ffffffff", 2, "copied", self.other_account.id, "completed", "100%", tags(a="1")), tuple(
            shown[name] for name in ("VolumeId", "VolumeSize", "Description", "OwnerId", "State", "Progress", "Tags")))
        self.assertEqual([copy], self.snapshot_ids(self.other, OwnerIds=["self"], Filters=filters(volume_id="vol-ffffffff")))
        self.ec2.delete_snapshot(SnapshotId=self.mine)
        self.assertEqual(2, self.other.create_volume(AvailabilityZone=self.ZONE, SnapshotId=copy)["Size"])
        self.assert_code("InvalidSnapshot.NotFound", self.ec2.describe_snapshots, SnapshotIds=[copy])

    def test_bad_requests(self):
        ask = self.ec2.modify_snapshot_attribute
        for bad in ("999999999999", "12345", "self", ""):
            self.assert_code("InvalidParameterValue", self.share, bad, snapshot=self.mine, add=[{"UserId": bad}])
        self.assert_code("InvalidParameterValue", ask, "some", SnapshotId=self.mine, OperationType="add", GroupNames=["some"])
        self.share(self.mine, add=[{"UserId": self.other_account.id}])
        self.assert_code("InvalidParameterValue", self.share, snapshot=self.mine, add=[{"Group": "all"}, {"UserId": "999999999999"}])
        self.assertEqual([{"UserId": self.other_account.id}], self.permissions(self.mine), "all of a change or nothing")
        self.assert_code("InvalidParameterCombination", ask, SnapshotId=self.mine)
        self.assert_code("InvalidParameterCombination", ask, SnapshotId=self.mine, OperationType="add")
        self.assert_code("InvalidParameterCombination", ask, SnapshotId=self.mine, UserIds=[self.account.id], OperationType="add",
                         CreateVolumePermission={"Add": [{"Group": "all"}]})
        self.assert_code("InvalidParameterCombination", self.share, snapshot=self.mine, add=[{"Group": "all", "UserId": self.account.id}])
        self.assert_code("MissingParameter", ask, "OperationType", SnapshotId=self.mine, UserIds=[self.account.id])
        self.assert_code("InvalidParameterValue", ask, SnapshotId=self.mine, OperationType="replace", UserIds=[self.account.id])
        self.assert_code("UnsupportedOperation", ask, "productCodes", SnapshotId=self.mine, Attribute="productCodes")
        self.assert_code("UnsupportedOperation", self.ec2.reset_snapshot_attribute, SnapshotId=self.mine, Attribute="productCodes")
        self.assert_code("InvalidSnapshot.NotFound", ask, SnapshotId=UNKNOWN, OperationType="add", GroupNames=["all"])
        self.assert_code("InvalidSnapshotID.Malformed", ask, SnapshotId="x", OperationType="add", GroupNames=["all"])
        self.assert_code("DryRunOperation", self.share, snapshot=self.mine, add=[{"Group": "all"}], DryRun=True)
        described = self.ec2.describe_snapshot_attribute(SnapshotId=self.mine, Attribute="productCodes")
        self.assertEqual((self.mine, [], []), (described["SnapshotId"], described["ProductCodes"], described["CreateVolumePermissions"]))
        self.assert_code("InvalidParameterValue", self.ec2.describe_snapshot_attribute, SnapshotId=self.mine, Attribute="colour")


class VolumesOfSnapshots(SnapshotTest):
    def test_as_large_as_the_snapshot_or_larger(self):
        snapshot = self.snapshot(self.create(Size=3))
        for parameters, expected in (({}, (3, "gp2", 100)), ({"Size": 3}, (3, "gp2", 100)), ({"Size": 5, "VolumeType": "gp3"}, (5, "gp3", 3000)),
                                     ({"VolumeType": "io1", "Size": 10, "Iops": 200}, (10, "io1", 200))):
            with self.subTest(str(parameters)):
                made = self.ec2.create_volume(AvailabilityZone=self.ZONE, SnapshotId=snapshot, **parameters)
                self.assertEqual((*expected, snapshot, "creating"), tuple(made[name] for name in ("Size", "VolumeType", "Iops", "SnapshotId", "State")))
                self.assertEqual(snapshot, self.volume(made["VolumeId"])["SnapshotId"])
        self.assertEqual(4, len(self.ids(Filters=filters(snapshot_id=snapshot))))
        self.assertEqual([], self.ids(Filters=filters(snapshot_id=UNKNOWN)))

    def test_what_is_refused(self):
        snapshot = self.snapshot(self.create(Size=3))
        for code, words, parameters in (("InvalidParameterValue", "smaller", {"Size": 2}), ("InvalidParameterValue", "minimum", {"VolumeType": "st1"}),
                                        ("MissingParameter", "iops", {"VolumeType": "io2", "Size": 4}),
                                        ("InvalidSnapshot.NotFound", UNKNOWN, {"SnapshotId": UNKNOWN}),
                                        ("InvalidSnapshotID.Malformed", "snap-1", {"SnapshotId": "snap-1"}), ("DryRunOperation", "", {"DryRun": True})):
            with self.subTest(str(parameters)):
                self.assert_code(code, self.ec2.create_volume, words, **{"AvailabilityZone": self.ZONE, "SnapshotId": snapshot, **parameters})
        self.assert_code("MissingParameter", self.ec2.create_volume, "size or snapshotId", AvailabilityZone=self.ZONE, SnapshotId="")
        made = self.ec2.create_volume(AvailabilityZone=self.ZONE, SnapshotId="", Size=1)
        self.assertEqual("", made["SnapshotId"])

    def test_a_token_outlives_the_snapshot(self):
        snapshot = self.snapshot(self.create())
        ask = lambda: self.ec2.create_volume(AvailabilityZone=self.ZONE, SnapshotId=snapshot, ClientToken="t")["VolumeId"]  # noqa: E731
        made = ask()
        self.ec2.delete_snapshot(SnapshotId=snapshot)
        self.assertEqual(made, ask())

    def test_it_is_attached_and_taken_again(self):
        a = self.guest()
        snapshot = self.snapshot(self.root_of(a))
        volume = self.create(SnapshotId=snapshot, Size=4)
        self.attach(volume, a)
        again = self.snapshot(volume)
        self.assertEqual((4, volume), tuple(self.shown(again)[name] for name in ("VolumeSize", "VolumeId")))
        self.ec2.delete_snapshot(SnapshotId=snapshot)
        self.ec2.detach_volume(VolumeId=volume)
        self.free(volume)
        self.ec2.delete_volume(VolumeId=volume)
        self.gone(volume)
        other = self.create(SnapshotId=again, Size=4)
        self.attach(other, a)

    def test_a_disk_that_is_no_whole_gibibytes(self):
        content = {**self.lodge.content(), "virtual_size_bytes": 3 << 29}
        a = self.guest(ImageId=self.lodge.import_image(disk=content)["id"])
        snapshot = self.snapshot(self.root_of(a))
        self.assertEqual(2, self.shown(snapshot)["VolumeSize"])
        self.assertEqual(2, self.volume(self.create(SnapshotId=snapshot, Size=2))["Size"])
        self.assertEqual(2, self.ec2.create_volume(AvailabilityZone=self.ZONE, SnapshotId=snapshot)["Size"])
        self.assert_code("InvalidParameterValue", self.ec2.create_volume, "smaller", AvailabilityZone=self.ZONE, SnapshotId=snapshot, Size=1)
        image = self.image_of(snapshot)
        self.guest(ImageId=image)
        self.assert_code("InvalidBlockDeviceMapping", self.ec2.run_instances, "2", ImageId=image, InstanceType="t3.nano", MinCount=1, MaxCount=1,
                         **root(VolumeSize=1))


class TwoRegions(SnapshotTest):
    options = ("--zones", "us-east-1a", "us-west-2a")

    def setUp(self):
        super().setUp()
        self.west = self.lodge.client(self.account, region="us-west-2")
        self.addCleanup(self.west.close)

    def test_a_copy_crosses_over(self):
        source = self.snapshot(self.root_of(self.guest()))
        self.assert_code("InvalidSnapshot.NotFound", self.west.describe_snapshots, SnapshotIds=[source])
        copy = self.west.copy_snapshot(SourceRegion="us-east-1", SourceSnapshotId=source)["SnapshotId"]
        self.completed(copy, ec2=self.west)
        self.assertEqual(("", 1), tuple(self.shown(copy, self.west)[name] for name in ("Description", "VolumeSize")))
        self.assertEqual([source], self.snapshot_ids(OwnerIds=["self"]))
        self.assertEqual([copy], self.snapshot_ids(self.west, OwnerIds=["self"]))
        self.assertEqual("us-west-2a", self.west.create_volume(AvailabilityZone="us-west-2a", SnapshotId=copy)["AvailabilityZone"])

    def test_what_is_not_copied(self):
        source = self.snapshot(self.create())
        self.assert_code("InvalidSnapshot.NotFound", self.west.copy_snapshot, source, SourceRegion="us-west-2", SourceSnapshotId=source)
        self.assert_code("InvalidSnapshot.NotFound", self.ec2.copy_snapshot, UNKNOWN, SourceRegion="us-east-1", SourceSnapshotId=UNKNOWN)
        self.assert_code("InvalidSnapshotID.Malformed", self.ec2.copy_snapshot, SourceRegion="us-east-1", SourceSnapshotId="x")
        self.assert_code("InvalidParameterValue", self.ec2.copy_snapshot, "xx-east-1", SourceRegion="xx-east-1", SourceSnapshotId=source)
        self.assert_code("UnsupportedOperation", self.ec2.copy_snapshot, "Encrypted", SourceRegion="us-east-1", SourceSnapshotId=source, Encrypted=True)
        self.assert_code("DryRunOperation", self.ec2.copy_snapshot, SourceRegion="us-east-1", SourceSnapshotId=source, DryRun=True)
        self.assertEqual([source], self.snapshot_ids(OwnerIds=["self"]))


if __name__ == "__main__":
    unittest.main()

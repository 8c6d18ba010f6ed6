"""CPU credits, detailed monitoring, maintenance options and diagnostic interrupts."""
import unittest

from harness import IMAGE, WireTest, filters
from signing import call

UNKNOWN = "i-0123456789abcdef0"


class Credits(WireTest):
    def credits(self, *ids, **more):
        found = self.ec2.describe_instance_credit_specifications(**({"InstanceIds": list(ids)} if ids else {}), **more)
        return {c["InstanceId"]: c["CpuCredits"] for c in found["InstanceCreditSpecifications"]}

    def modify(self, **given):
        return self.ec2.modify_instance_credit_specification(
            InstanceCreditSpecifications=[{"InstanceId": i, "CpuCredits": c} for i, c in given.pop("each")], **given)

    def test_defaults_and_launches(self):
        usual, = self.launch()
        standard, = self.launch(CreditSpecification={"CpuCredits": "standard"})
        other, = self.launch(InstanceType="m5.large")
        self.assertEqual({usual: "unlimited", standard: "standard"}, self.credits(usual, standard))
        self.assertEqual({usual: "unlimited"}, self.credits())
        self.assert_code("InstanceCreditSpecification.NotSupported", self.ec2.describe_instance_credit_specifications, other,
                         status=400, InstanceIds=[usual, other])
        for word in ("standard", "unlimited"):
            self.assert_code("InstanceCreditSpecification.NotSupported", self.ec2.run_instances, "m5.large", ImageId=IMAGE, InstanceType="m5.large",
                             MinCount=1, MaxCount=1, CreditSpecification={"CpuCredits": word})
        self.assert_code("InvalidParameterValue", self.ec2.run_instances, ImageId=IMAGE, MinCount=1, MaxCount=1,
                         CreditSpecification={"CpuCredits": "endless"})

    def test_modify(self):
        one, two = self.launch(2)
        other, = self.launch(InstanceType="m5.large")
        reply = self.modify(each=[(one, "standard"), (UNKNOWN, "standard"), ("i-x", "standard"), (other, "standard")])
        self.assertEqual([{"InstanceId": one}], reply["SuccessfulInstanceCreditSpecifications"])
        failed = {u["InstanceId"]: u["Error"]["Code"] for u in reply["UnsuccessfulInstanceCreditSpecifications"]}
        self.assertEqual({UNKNOWN: "InvalidInstanceID.NotFound", "i-x": "InvalidInstanceID.Malformed",
                          other: "InstanceCreditSpecification.NotSupported"}, failed)
        self.assertEqual({one: "standard", two: "unlimited"}, self.credits(one, two))
        self.ec2.stop_instances(InstanceIds=[one])
        self.reach("stopped", [one])
        self.modify(each=[(one, "unlimited")])
        self.assertEqual({one: "unlimited"}, self.credits(one))
        self.ec2.terminate_instances(InstanceIds=[one])
        self.reach("terminated", [one])
        failed, = self.modify(each=[(one, "standard")])["UnsuccessfulInstanceCreditSpecifications"]
        self.assertEqual("IncorrectInstanceState", failed["Error"]["Code"])

    def test_client_tokens(self):
        one, = self.launch()
        first = self.modify(each=[(one, "standard")], ClientToken="once")
        self.modify(each=[(one, "unlimited")])
        again = self.modify(each=[(one, "standard")], ClientToken="once")
        self.assertEqual(first["SuccessfulInstanceCreditSpecifications"], again["SuccessfulInstanceCreditSpecifications"])
        self.assertEqual({one: "unlimited"}, self.credits(one), "a repeated request changes nothing")
        self.assert_code("IdempotentParameterMismatch", self.modify, each=[(one, "unlimited")], ClientToken="once")

    def test_a_resized_instance_keeps_what_it_had(self):
        one, two = self.launch(2)
        self.modify(each=[(two, "standard")])
        other, = self.launch(InstanceType="m5.large")
        ids = [one, two, other]
        self.ec2.stop_instances(InstanceIds=ids)
        self.reach("stopped", ids)
        for each, kind in ((one, "m5.large"), (two, "m5.large"), (other, "t3.large")):
            self.ec2.modify_instance_attribute(InstanceId=each, InstanceType={"Value": kind})
        self.assertEqual({one: "unlimited", other: "unlimited"}, self.credits())
        failed, = self.modify(each=[(two, "unlimited")])["UnsuccessfulInstanceCreditSpecifications"]
        self.assertEqual("InstanceCreditSpecification.NotSupported", failed["Error"]["Code"])

    def test_filters_and_pages(self):
        ids = sorted(self.launch(12))
        self.assertEqual({ids[0]: "unlimited"}, self.credits(Filters=filters(instance_id=ids[0])))
        self.assertEqual({}, self.credits(Filters=filters(instance_id=UNKNOWN)))
        self.assert_code("InvalidParameterValue", self.credits, Filters=filters(instance_type="t3.nano"))
        pages = list(self.ec2.get_paginator("describe_instance_credit_specifications").paginate(PaginationConfig={"PageSize": 5}))
        self.assertEqual([5, 5, 2], [len(p["InstanceCreditSpecifications"]) for p in pages])
        self.assertEqual(ids, sorted(c["InstanceId"] for p in pages for c in p["InstanceCreditSpecifications"]))
        self.assert_code("InvalidParameterCombination", self.ec2.describe_instance_credit_specifications, InstanceIds=ids[:1], MaxResults=5)
        reply = call(self.lodge, self.account, "DescribeInstanceCreditSpecifications", {"MaxResults": 4})
        self.assertEqual((400, "InvalidParameterValue"), (reply.status, reply.code))

    def test_bad_requests(self):
        one, = self.launch()
        describe = self.ec2.describe_instance_credit_specifications
        self.assert_code("InvalidInstanceID.NotFound", describe, InstanceIds=[UNKNOWN])
        self.assert_code("InvalidInstanceID.Malformed", describe, InstanceIds=["x"])
        stranger = self.lodge.client(self.lodge.new_account())
        self.assert_code("InvalidInstanceID.NotFound", stranger.describe_instance_credit_specifications, InstanceIds=[one])
        self.assert_code("InvalidParameterValue", self.modify, each=[(one, "endless")])
        self.assert_code("DryRunOperation", self.modify, each=[(one, "standard")], DryRun=True)
        self.assertEqual({one: "unlimited"}, self.credits(one))
        for given, missing in (({"InstanceCreditSpecification.1.InstanceId": one}, "CpuCredits"),
                               ({"InstanceCreditSpecification.1.CpuCredits": "standard"}, "InstanceId"), ({}, "InstanceCreditSpecification")):
            reply = call(self.lodge, self.account, "ModifyInstanceCreditSpecification", given)
            self.assertEqual((400, "MissingParameter"), (reply.status, reply.code))
            self.assertIn(missing, reply.message)


class Monitoring(WireTest):
    def state(self, instance):
        return self.describe(instance)["Monitoring"]["State"]

    def answer(self, reply):
        return {m["InstanceId"]: m["Monitoring"]["State"] for m in reply["InstanceMonitorings"]}

    def test_on_and_off(self):
        one, two = self.launch(2)
        self.assertEqual("disabled", self.state(one))
        self.assertEqual({one: "pending"}, self.answer(self.ec2.monitor_instances(InstanceIds=[one])))
        self.assertEqual(("enabled", "disabled"), (self.state(one), self.state(two)))
        self.assertEqual({one: "enabled", two: "pending"}, self.answer(self.ec2.monitor_instances(InstanceIds=[one, two])))
        self.assertEqual({one: "disabling"}, self.answer(self.ec2.unmonitor_instances(InstanceIds=[one])))
        self.assertEqual({one: "disabled"}, self.answer(self.ec2.unmonitor_instances(InstanceIds=[one])))
        self.assertEqual(("disabled", "enabled"), (self.state(one), self.state(two)))
        found = self.ec2.describe_instances(Filters=filters(monitoring_state="enabled"))["Reservations"]
        self.assertEqual([two], [i["InstanceId"] for r in found for i in r["Instances"]])

    def test_from_the_launch_on(self):
        made = self.ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, Monitoring={"Enabled": True})["Instances"][0]
        self.assertEqual("pending", made["Monitoring"]["State"])
        self.reach("running", [made["InstanceId"]])
        self.assertEqual("enabled", self.state(made["InstanceId"]))
        self.ec2.stop_instances(InstanceIds=[made["InstanceId"]])
        self.reach("stopped", [made["InstanceId"]])
        self.assertEqual("enabled", self.state(made["InstanceId"]))

    def test_bad_requests(self):
        one, gone = self.launch(2)
        self.ec2.terminate_instances(InstanceIds=[gone])
        self.reach("terminated", [gone])
        for ask in (self.ec2.monitor_instances, self.ec2.unmonitor_instances):
            self.assert_code("InvalidInstanceID.NotFound", ask, InstanceIds=[one, UNKNOWN])
            self.assert_code("InvalidInstanceID.Malformed", ask, InstanceIds=["x"])
            self.assert_code("IncorrectInstanceState", ask, gone, InstanceIds=[one, gone])
            self.assert_code("DryRunOperation", ask, InstanceIds=[one], DryRun=True)
        self.assertEqual("disabled", self.state(one), "all of them or none")


class Maintenance(WireTest):
    def test_auto_recovery(self):
        one, = self.launch()
        kept, = self.launch(MaintenanceOptions={"AutoRecovery": "disabled"})
        self.assertEqual(("default", "disabled"), tuple(self.describe(i)["MaintenanceOptions"]["AutoRecovery"] for i in (one, kept)))
        reply = self.ec2.modify_instance_maintenance_options(InstanceId=one, AutoRecovery="disabled")
        self.assertEqual((one, "disabled"), (reply["InstanceId"], reply["AutoRecovery"]))
        self.assertEqual("disabled", self.describe(one)["MaintenanceOptions"]["AutoRecovery"])
        self.ec2.modify_instance_maintenance_options(InstanceId=one, AutoRecovery="default")
        found = self.ec2.describe_instances(Filters=[{"Name": "maintenance-options.auto-recovery", "Values": ["default"]}])["Reservations"]
        self.assertEqual([one], [i["InstanceId"] for r in found for i in r["Instances"]])

    def test_bad_requests(self):
        one, = self.launch()
        ask = self.ec2.modify_instance_maintenance_options
        self.assert_code("InvalidParameterValue", ask, InstanceId=one, AutoRecovery="enabled")
        self.assert_code("InvalidInstanceID.NotFound", ask, InstanceId=UNKNOWN, AutoRecovery="disabled")
        self.assert_code("InvalidInstanceID.Malformed", ask, InstanceId="x", AutoRecovery="disabled")
        self.assert_code("DryRunOperation", ask, InstanceId=one, AutoRecovery="disabled", DryRun=True)
        self.assertEqual("default", self.describe(one)["MaintenanceOptions"]["AutoRecovery"])
        reply = call(self.lodge, self.account, "ModifyInstanceMaintenanceOptions", {"InstanceId": one, "RebootMigration": "default"})
        self.assertEqual((400, "UnsupportedOperation"), (reply.status, reply.code))
        self.ec2.terminate_instances(InstanceIds=[one])
        self.reach("terminated", [one])
        self.assert_code("IncorrectInstanceState", ask, InstanceId=one, AutoRecovery="disabled")


class DiagnosticInterrupt(WireTest):
    def interrupts(self, instance):
        output = self.ec2.get_console_output(InstanceId=instance, Latest=True).get("Output", "")
        return output.count("NMI received")

    def test_the_guest_is_interrupted_once_each_time(self):
        one, = self.launch()
        for count in (1, 2):
            self.ec2.send_diagnostic_interrupt(InstanceId=one)
            self.eventually(lambda: self.interrupts(one) == count)
        self.ec2.reboot_instances(InstanceIds=[one])
        self.assertEqual(2, self.interrupts(one))
        self.assertEqual("running", self.describe(one)["State"]["Name"])
        self.ec2.stop_instances(InstanceIds=[one])
        self.reach("stopped", [one])
        self.ec2.start_instances(InstanceIds=[one])
        self.reach("running", [one])
        self.assertLessEqual(self.interrupts(one), 2, "a new guest gets none of the old one's")

    def test_bad_requests(self):
        one, = self.launch()
        ask = self.ec2.send_diagnostic_interrupt
        self.assert_code("DryRunOperation", ask, InstanceId=one, DryRun=True)
        self.assert_code("InvalidInstanceID.NotFound", ask, InstanceId=UNKNOWN)
        self.assert_code("InvalidInstanceID.Malformed", ask, InstanceId="x")
        self.ec2.stop_instances(InstanceIds=[one])
        self.reach("stopped", [one])
        self.assert_code("IncorrectInstanceState", ask, one, InstanceId=one)
        self.assertEqual(0, self.interrupts(one))


if __name__ == "__main__":
    unittest.main()

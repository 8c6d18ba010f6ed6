#include "agent/domain/domain_xml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <pugixml.hpp>
#include <set>

#include "agent/domain/disk_xml.h"
#include "agent/domain/guest_tag.h"
#include "agent/domain/live_domain.h"
#include "proto/model/volume.h"
#include "tests/unit/agent/specs.h"
#include "tests/unit/golden.h"

namespace lodge::agent {
namespace {

GuestSpec direct_boot() {
    GuestSpec spec = example_guest();
    spec.kernel_path = "/var/lib/lodge/agent/images/aaaa";
    spec.ramdisk_path = "/var/lib/lodge/agent/images/bbbb";
    spec.kernel_cmdline = "console=ttyS0 root=/dev/vda1 ro";
    return spec;
}

GuestSpec uefi_boot() {
    GuestSpec spec = example_guest();
    spec.firmware = {"/usr/share/OVMF/OVMF_CODE_4M.fd",
                     "/var/lib/lodge/agent/disks/vol-0a1b2c3d4e5f60718.fd"};
    return spec;
}

GuestSpec hostile() {
    GuestSpec spec = direct_boot();
    spec.instance_type = "t3\"'><&";
    spec.kernel_cmdline = "a=\"b\" c='d' ]]> </cmdline><devices/> &amp; <![CDATA[";
    spec.root.path = "/tmp/it's \"a\" <disk> & more.qcow2";
    spec.console_path = "/tmp/\"/><emulator>/bin/sh</emulator>";
    spec.firmware = {"/tmp/</loader>.fd", "/tmp/<nvram template='/etc/shadow'/>"};
    spec.interfaces = {example_nic()};
    spec.interfaces.front().mac = "'\"><mac/>";
    spec.interfaces.front().port_uuid = "\"/></virtualport><script path='/bin/sh'/>";
    return spec;
}

pugi::xml_document parsed(const std::string& xml) {
    pugi::xml_document document;
    EXPECT_TRUE(document.load_string(xml.c_str()));
    return document;
}

std::string at(const pugi::xml_document& document, const char* path) {
    return document.select_node(path).node().text().get();
}

TEST(DomainXml, DiskBootUnderKvm) {
    testing::expect_golden("domain/disk_boot_kvm.xml", domain_xml(example_guest(), {"kvm"}));
}

TEST(DomainXml, DirectBootEmulated) {
    testing::expect_golden("domain/direct_boot_qemu.xml", domain_xml(direct_boot(), {"qemu"}));
}

TEST(DomainXml, UefiBootUnderKvm) {
    testing::expect_golden("domain/uefi_boot_kvm.xml", domain_xml(uefi_boot(), {"kvm"}));
}

TEST(DomainXml, InterfacesAreOvnsPorts) {
    GuestSpec spec = example_guest();
    spec.interfaces = {example_nic(1), example_nic(2)};
    spec.interfaces.back().mtu = 0;
    testing::expect_golden("domain/interfaces_kvm.xml", domain_xml(spec, {"kvm"}));
}

TEST(DomainXml, VolumesAreKnownBySerialAndHeldToLimits) {
    GuestSpec spec = example_guest();
    spec.root.limits = {3'000, 125 << 20};
    spec.disks = {{*VolumeId::parse("vol-10000000000000001"), "vdf", "/d/vol-10000000000000001.qcow2"}};
    testing::expect_golden("domain/disks_kvm.xml", domain_xml(spec, {"kvm"}));
}

TEST(DomainXml, InstanceStoreDisksAreFoundByNumber) {
    GuestSpec spec = example_guest();
    spec.store_disks = {"/s/g-0fedcba9876543210.0.qcow2", "/s/g-0fedcba9876543210.1.qcow2"};
    testing::expect_golden("domain/instance_store_kvm.xml", domain_xml(spec, {"kvm"}));
}

TEST(DomainXml, EncryptedDisksNameTheirKeyAndNeverHaveItInThem) {
    GuestSpec spec = example_guest();
    spec.root.key = {"5a1c2b7e-1111-4222-8333-444455556666", "secret"};
    spec.root.bases = {{"/var/lib/lodge/agent/disks/vol-0a1b2c3d4e5f60718.qcow2", "qcow2", true, true},
                       {"/var/lib/lodge/agent/images/4444555566667777", "qcow2", false, true},
                       {"/var/lib/lodge/agent/images/0000111122223333", "qcow2"}};
    const std::string xml = domain_xml(spec, {"kvm"});
    testing::expect_golden("domain/encrypted_kvm.xml", xml);
    testing::expect_golden("domain/secret.xml", secret_xml(spec.root.key));
    testing::expect_golden("domain/encrypted_cut.xml", cut_xml({spec.root}, {"vdf"}));
    EXPECT_EQ((xml + secret_xml(spec.root.key)).find(">secret"), std::string::npos);
}

// Spare ports besides one for each device that is there: how EC2 counts interfaces of larger types.
TEST(DomainXml, LargerGuestsTakeMoreInterfacesLater) {
    for (const auto& [vcpus, spare] : {std::pair{2, 4}, {8, 4}, {16, 8}, {64, 15}}) {
        GuestSpec spec = example_guest();
        spec.vcpus = vcpus;
        spec.interfaces = {example_nic()};
        const auto document = parsed(domain_xml(spec, {}));
        EXPECT_EQ(document.select_nodes("//controller[@model='pcie-root-port']").size(),
                  static_cast<std::size_t>(4 + 1 + spare + most_data_volumes(vcpus)));
    }
}

TEST(LiveDomain, ReadsBackWhatWasWritten) {
    GuestSpec spec = example_guest();
    spec.interfaces = {example_nic(1), example_nic(2)};
    spec.disks = {{*VolumeId::parse("vol-10000000000000001"), "vdf", "/d"}};
    const auto live = parse_live_domain(domain_xml(spec, {}));
    ASSERT_TRUE(live);
    EXPECT_EQ(live->tag.guest_id, spec.guest_id);
    EXPECT_TRUE(live->held);
    EXPECT_EQ(live->interfaces,
              (std::vector{example_nic(1).network_interface_id, example_nic(2).network_interface_id}));
    EXPECT_EQ(live->disks, (std::vector{spec.root.volume_id, spec.disks.front().volume_id}));
    EXPECT_FALSE(parse_live_domain("<domain><metadata/></domain>"));
    EXPECT_FALSE(parse_live_domain("rubbish"));
}

TEST(LiveDomain, LeavesForeignInterfacesOut) {
    const auto live = parse_live_domain(
        "<domain><metadata><lodge:guest id='g-0fedcba9876543210' instance='i-0123456789abcdef0' "
        "host='h-00000000000000001'/></metadata><devices><interface><alias name='net0'/></interface>"
        "<interface><alias name='ua-mine'/></interface><interface/></devices></domain>");
    ASSERT_TRUE(live);
    EXPECT_FALSE(live->held);
    EXPECT_TRUE(live->interfaces.empty());
}

TEST(DomainXml, MarkupInValuesStaysText) {
    const std::string xml = domain_xml(hostile(), {"qemu"});
    testing::expect_golden("domain/hostile.xml", xml);
    const auto document = parsed(xml);
    EXPECT_EQ(at(document, "/domain/os/cmdline"), hostile().kernel_cmdline);
    EXPECT_EQ(at(document, "/domain/sysinfo/system/entry[@name='product']"), hostile().instance_type);
    EXPECT_EQ(document.select_node("/domain/devices/serial/log/@file").attribute().value(),
              hostile().console_path);
    EXPECT_EQ(document.select_nodes("//devices").size(), 1U);
    EXPECT_TRUE(document.select_nodes("//emulator|//script").empty());
}

// Whatever their headers say: a name in there could be any file of the host's.
TEST(DomainXml, ChainsEndWhereTheSpecSays) {
    GuestSpec spec = example_guest();
    spec.root.bases.clear();
    EXPECT_EQ(parsed(domain_xml(spec, {})).select_nodes("//backingStore[not(*)]").size(), 1U);
    spec.root.bases = {{"/own.1.qcow2", "qcow2", true}, {"/layer", "qcow2"}, {"/image", "raw"}};
    const auto document = parsed(domain_xml(spec, {}));
    EXPECT_EQ(document.select_nodes("//backingStore").size(), 4U);
    const std::string last = "/domain/devices/disk/backingStore/backingStore/backingStore";
    EXPECT_STREQ(document.select_node((last + "/source/@file").c_str()).attribute().value(), "/image");
    EXPECT_STREQ(document.select_node((last + "/format/@type").c_str()).attribute().value(), "raw");
    EXPECT_EQ(document.select_nodes((last + "/backingStore[not(*)]").c_str()).size(), 1U);
    EXPECT_EQ(document.select_nodes("//seclabel").size(), 2U) << "its own earlier file QEMU's user may have";
}

TEST(DomainXml, ACutNamesAllDisksOfTheDomain) {
    DiskSpec disk;
    disk.target = "vda";
    disk.path = "/d/<&>.qcow2";
    const auto document = parsed(cut_xml({disk}, {"vdb", "sdz"}));
    EXPECT_EQ(document.select_nodes("/domainsnapshot/disks/disk").size(), 3U);
    const pugi::xml_node cut = document.select_node("//disk[@name='vda' and @snapshot='external']").node();
    EXPECT_STREQ(cut.child("source").attribute("file").value(), "/d/<&>.qcow2");
    EXPECT_STREQ(cut.child("driver").attribute("type").value(), "qcow2");
    EXPECT_EQ(document.select_nodes("//disk[@snapshot='no']").size(), 2U);
}

TEST(DomainXml, ALiveDomainTellsItsDisksFiles) {
    const auto live = parse_live_domain(
        "<domain><metadata><lodge:guest id='g-00000000000000001' "
        "instance='i-00000000000000001' host='h-00000000000000001'/></metadata><devices>"
        "<disk><source file='/d/vol-00000000000000001.qcow2'/><target dev='vda'/><backingStore type='file'>"
        "<source file='/i/a'/><backingStore/></backingStore><alias name='ua-vol-00000000000000001'/></disk>"
        "<disk><source file='/d/vol-00000000000000002.7.qcow2'/><target dev='vdb'/><backingStore/>"
        "<alias name='ua-vol-00000000000000002'/></disk>"
        "<disk><source file='/d/vol-00000000000000003.2.qcow2'/><target dev='vdc'/><backingStore type='file'>"
        "<source file='/d/vol-00000000000000003.1.qcow2'/><backingStore/></backingStore>"
        "<alias name='ua-vol-00000000000000003'/></disk>"
        "<disk><target dev='sda'/></disk></devices></domain>");
    ASSERT_TRUE(live);
    EXPECT_EQ(live->disks.size(), 3U);
    const auto second = VolumeId::trusted("vol-00000000000000002");
    const auto third = VolumeId::trusted("vol-00000000000000003");
    using Numbers = std::map<VolumeId, std::int64_t>;
    EXPECT_EQ(live->cuts, (Numbers{{second, 7}, {third, 2}}));
    EXPECT_EQ(live->flat, (Numbers{{second, 7}, {third, 1}}));
    ASSERT_EQ(live->targets.size(), 4U);
    EXPECT_TRUE(live->targets.at("sda").empty());
}

TEST(DomainXml, KernelWithoutRamdiskOrCommandLine) {
    GuestSpec spec = example_guest();
    spec.kernel_path = "/k";
    const auto document = parsed(domain_xml(spec, {}));
    EXPECT_EQ(at(document, "/domain/os/kernel"), "/k");
    EXPECT_TRUE(document.select_nodes("//initrd|//cmdline|//boot").empty());
}

TEST(DomainXml, TopologyIsAlwaysAllOfTheVcpus) {
    struct Case {
        std::int64_t vcpus, cores, threads;
        const char *expected_cores, *expected_threads;
    };
    for (const Case& each : {Case{4, 2, 2, "2", "2"}, Case{4, 4, 1, "4", "1"}, Case{4, 0, 0, "4", "1"},
                             Case{4, 3, 2, "4", "1"}, Case{1, 1, 1, "1", "1"}}) {
        GuestSpec spec = example_guest();
        spec.vcpus = each.vcpus;
        spec.core_count = each.cores;
        spec.threads_per_core = each.threads;
        const auto document = parsed(domain_xml(spec, {}));
        const pugi::xml_node topology = document.select_node("//topology").node();
        EXPECT_STREQ(topology.attribute("sockets").value(), "1");
        EXPECT_STREQ(topology.attribute("cores").value(), each.expected_cores);
        EXPECT_STREQ(topology.attribute("threads").value(), each.expected_threads);
    }
}

// cloud-init's Ec2 datasource: the UUID starts with "ec2" and equals the serial.
TEST(DomainXml, SmbiosIsWhatCloudInitLooksFor) {
    const auto document = parsed(domain_xml(example_guest(), {}));
    const std::string uuid = at(document, "/domain/uuid");
    EXPECT_TRUE(uuid.starts_with("ec2"));
    EXPECT_EQ(uuid, at(document, "/domain/sysinfo/system/entry[@name='uuid']"));
    EXPECT_EQ(uuid, at(document, "/domain/sysinfo/system/entry[@name='serial']"));
    EXPECT_EQ(at(document, "/domain/sysinfo/baseBoard/entry[@name='asset']"), "i-0123456789abcdef0");
}

TEST(DomainXml, SerialFitsVirtioBlk) {
    const auto document = parsed(domain_xml(example_guest(), {}));
    EXPECT_EQ(at(document, "//disk/serial"), "vol0a1b2c3d4e5f60718");
    EXPECT_EQ(at(document, "//disk/serial").size(), 20U);
}

TEST(DomainUuid, IsAUuidThatKeepsAllOfTheId) {
    EXPECT_EQ(domain_uuid(*InstanceId::parse("i-0123456789abcdef0")).substr(0, 26),
              "ec201234-5678-89ab-acde-f0");
    const char* const shape = "ec2[0-9a-f]{5}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}";
    SeededRandom random(7);
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) {
        const std::string uuid = domain_uuid(InstanceId::make(random));
        EXPECT_THAT(uuid, ::testing::MatchesRegex(shape));
        seen.insert(uuid);
    }
    EXPECT_EQ(seen.size(), 1000U);
}

TEST(DomainUuid, ShortIdsOfOldWork) {
    const std::string uuid = domain_uuid(*InstanceId::parse("i-12345678"));
    EXPECT_EQ(uuid.size(), 36U);
    EXPECT_EQ(uuid.substr(0, 8), "ec212345");
}

TEST(GuestTag, ReadsBackWhatItWrote) {
    const auto document = parsed(domain_xml(example_guest(), {}));
    std::ostringstream out;
    document.select_node("/domain/metadata").node().first_child().print(out);
    const auto tag = parse_guest_tag(out.str());
    ASSERT_TRUE(tag);
    EXPECT_EQ(tag->guest_id, example_guest().guest_id);
    EXPECT_EQ(tag->instance_id, example_guest().instance_id);
    EXPECT_EQ(tag->host_id, example_guest().host_id);
}

TEST(GuestTag, ReadsWhatLibvirtStripsOfThePrefix) {
    EXPECT_TRUE(parse_guest_tag(
        "<guest id='g-0fedcba9876543210' instance='i-0123456789abcdef0' host='h-00000000000000001'/>"));
}

TEST(GuestTag, RefusesAnythingElse) {
    for (const char* xml :
         {"", "rubbish", "<guest/>",
          "<guest id='g-1' instance='i-0123456789abcdef0' host='h-00000000000000001'/>",
          "<other id='g-0fedcba9876543210' instance='i-0123456789abcdef0' host='h-00000000000000001'/>",
          "<guest id='g-0fedcba9876543210' instance='i-0123456789abcdef0'/>"})
        EXPECT_FALSE(parse_guest_tag(xml)) << xml;
}

}  // namespace
}  // namespace lodge::agent

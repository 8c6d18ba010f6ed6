// The catalogue of instance types: Lodge's own list, operators' files over it, filters, and the reply's
// shape.
#include "api/catalogue/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "api/actions/instance_type_info.h"
#include "api/catalogue/type_filters.h"

namespace lodge::catalogue {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const std::filesystem::path builtin =
    std::filesystem::path(LODGE_SOURCE_DIR) / "api/catalogue/instance_types.toml";

const Catalogue& own() {
    static const Catalogue loaded = Catalogue::load(builtin).value();
    return loaded;
}

// A file of the operator's, for as long as the test runs.
class OperatorFile {
  public:
    explicit OperatorFile(const std::string& text, const std::string& name = "extra.toml")
        : path_(std::filesystem::path(testing::TempDir()) / (test_name() + "-" + name)) {
        std::ofstream(path_) << text;
    }
    ~OperatorFile() { std::filesystem::remove(path_); }
    OperatorFile(const OperatorFile&) = delete;
    OperatorFile& operator=(const OperatorFile&) = delete;

    const std::filesystem::path& path() const { return path_; }

  private:
    static std::string test_name() {
        const auto* info = testing::UnitTest::GetInstance()->current_test_info();
        std::string name = std::string(info->test_suite_name()) + "-" + info->name();
        std::replace(name.begin(), name.end(), '/', '-');
        return name;
    }
    std::filesystem::path path_;
};

TEST(Catalogue, HasEverySizeOfEveryFamilySorted) {
    std::vector<std::string> names;
    for (const auto& type : own().all()) names.push_back(type.name);
    EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
    std::vector<std::string> expected;
    for (const char* family : {"t3", "t3a"})
        for (const char* size : {"nano", "micro", "small", "medium", "large", "xlarge", "2xlarge"})
            expected.push_back(std::string(family) + "." + size);
    for (const char* family : {"m5", "m5d", "m6i", "c5", "c5d", "c6i", "r5", "r5d", "r6i"})
        for (const char* size : {"large", "xlarge", "2xlarge", "4xlarge"})
            expected.push_back(std::string(family) + "." + size);
    for (const char* largest : {"m5.8xlarge", "m5d.8xlarge", "m6i.8xlarge", "c5.9xlarge", "c5d.9xlarge",
                                "c6i.8xlarge", "r5.8xlarge", "r5d.8xlarge", "r6i.8xlarge"})
        expected.emplace_back(largest);
    EXPECT_EQ(names.size(), 59U);
    EXPECT_THAT(names, testing::UnorderedElementsAreArray(expected));
}

TEST(Catalogue, FindsByWholeNameAlone) {
    ASSERT_NE(own().find("t3.micro"), nullptr);
    EXPECT_EQ(own().find("t3.micro")->name, "t3.micro");
    EXPECT_EQ(own().find("t3.micro")->family, "t3");
    for (const char* wrong : {"", "t3", "t3.", "t3.micr", "t3.microo", "T3.micro", "zz.large", "a"})
        EXPECT_EQ(own().find(wrong), nullptr) << wrong;
}

TEST(Catalogue, StatesEc2sFacts) {
    const auto& micro = *own().find("t3.micro");
    EXPECT_EQ(micro.vcpus, 2);
    EXPECT_EQ(micro.memory_mib, 1024);
    EXPECT_TRUE(micro.burstable);
    EXPECT_TRUE(micro.free_tier);
    EXPECT_EQ(micro.max_enis, 2);
    EXPECT_EQ(micro.ipv4_per_eni, 2);
    EXPECT_EQ(micro.ipv6_per_eni, 2);
    EXPECT_DOUBLE_EQ(micro.ebs_baseline_mb_per_s(), 10.875);
    EXPECT_THAT(micro.placement_strategies, ElementsAre("partition", "spread"));

    const auto& big = *own().find("m5.4xlarge");
    EXPECT_EQ(big.vcpus, 16);
    EXPECT_EQ(big.memory_mib, 65536);
    EXPECT_EQ(big.cores, 8);
    EXPECT_THAT(big.valid_cores, ElementsAre(2, 4, 6, 8));
    EXPECT_THAT(big.valid_threads_per_core, ElementsAre(1, 2));
    EXPECT_EQ(big.max_enis, 8);
    EXPECT_EQ(big.ipv4_per_eni, 30);
    EXPECT_FALSE(big.burstable);
    EXPECT_FALSE(big.free_tier);

    EXPECT_EQ(own().find("t3a.small")->manufacturer, "AMD");
    EXPECT_EQ(own().find("t3a.small")->max_enis, 2);
    EXPECT_EQ(own().find("r6i.2xlarge")->memory_mib, 65536);
    EXPECT_EQ(own().find("c6i.large")->network_performance, "Up to 12.5 Gigabit");
    EXPECT_THAT(own().find("c6i.xlarge")->valid_cores, ElementsAre(1, 2));
    EXPECT_THAT(own().find("c5.xlarge")->valid_cores, ElementsAre(2));
}

TEST(Catalogue, IsConsistentInEveryType) {
    for (const auto& type : own().all()) {
        SCOPED_TRACE(type.name);
        EXPECT_EQ(type.vcpus, type.cores * type.threads_per_core);
        EXPECT_GE(type.memory_mib, 128);
        EXPECT_EQ(type.valid_cores.back(), type.cores);
        EXPECT_EQ(type.valid_threads_per_core.back(), type.threads_per_core);
        EXPECT_TRUE(type.states_ebs_speed());
        EXPECT_LE(type.network_baseline_gbps, type.network_peak_gbps);
        EXPECT_GT(type.clock_ghz, 2);
        EXPECT_EQ(type.ipv6_per_eni, type.ipv4_per_eni);
        EXPECT_THAT(type.architectures, ElementsAre("x86_64"));
        EXPECT_EQ(type.burstable, type.family == "t3" || type.family == "t3a");
    }
}

// Memory for each vCPU tells a family: 4 GiB of m, 2 of c, 8 of r.
TEST(Catalogue, KeepsEachFamilysShape) {
    for (const auto& type : own().all()) {
        SCOPED_TRACE(type.name);
        if (type.burstable) continue;
        const std::int64_t mib_per_vcpu = type.name[0] == 'm' ? 4096 : type.name[0] == 'c' ? 2048 : 8192;
        EXPECT_EQ(type.memory_mib, type.vcpus * mib_per_vcpu);
    }
}

// Lodge does not encrypt traffic between hosts, so it must not say so.
TEST(Catalogue, PromisesNothingThatLodgeLacks) {
    for (const auto& type : own().all()) {
        SCOPED_TRACE(type.name);
        EXPECT_FALSE(type.encryption_in_transit);
        EXPECT_FALSE(type.bare_metal);
        EXPECT_EQ(type.nitro_enclaves, "unsupported");
        EXPECT_EQ(type.nitro_tpm, "unsupported");
    }
}

TEST(OperatorsCatalogue, AddsFamiliesAndSizes) {
    OperatorFile file(R"(
        [families.lab.sizes]
        tiny = { vcpus = 1, memory_mib = 128, threads_per_core = 1 }
        [families.m5.sizes.16xlarge]
        vcpus = 64
        memory_mib = 262144
        ebs_baseline_mbps = 4750
        ebs_baseline_iops = 18750
    )");
    auto loaded = Catalogue::load(builtin, {file.path()});
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(loaded->all().size(), own().all().size() + 2);
    const auto& tiny = *loaded->find("lab.tiny");
    EXPECT_EQ(tiny.cores, 1);
    EXPECT_THAT(tiny.valid_cores, ElementsAre(1));
    EXPECT_THAT(tiny.valid_threads_per_core, ElementsAre(1));
    EXPECT_FALSE(tiny.states_ebs_speed());
    EXPECT_EQ(loaded->find("m5.16xlarge")->cores, 32);
    EXPECT_DOUBLE_EQ(loaded->find("m5.16xlarge")->clock_ghz, 3.1);
}

TEST(OperatorsCatalogue, OverridesKeyByKeyAndTheLastFileWins) {
    OperatorFile first(
        "[defaults]\nhibernation = false\n[families.t3.sizes]\nmicro = { memory_mib = 2048 }\n", "1.toml");
    OperatorFile second("[families.t3.sizes]\nmicro = { memory_mib = 3072 }\n[families.c5]\nclock_ghz = 4\n",
                        "2.toml");
    auto loaded = Catalogue::load(builtin, {first.path(), second.path()});
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(loaded->all().size(), own().all().size());
    EXPECT_EQ(loaded->find("t3.micro")->memory_mib, 3072);
    EXPECT_EQ(loaded->find("t3.micro")->vcpus, 2);
    EXPECT_TRUE(loaded->find("t3.micro")->free_tier);
    EXPECT_DOUBLE_EQ(loaded->find("c5.large")->clock_ghz, 4);
    EXPECT_FALSE(loaded->find("r5.large")->hibernation);
}

TEST(OperatorsCatalogue, AnEmptyFileChangesNothing) {
    OperatorFile file("# nothing yet\n");
    auto loaded = Catalogue::load(builtin, {file.path()});
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(loaded->all().size(), own().all().size());
}

TEST(OperatorsCatalogue, AMissingFileIsAnIoFailure) {
    for (const char* path : {"/nonexistent/types.toml", "/tmp"}) {
        auto loaded = Catalogue::load(builtin, {path});
        ASSERT_FALSE(loaded);
        EXPECT_EQ(loaded.error().code, ErrorCode::io_failure);
        EXPECT_THAT(loaded.error().message, HasSubstr(path));
    }
}

struct BadFile {
    std::string text;
    std::string message;  // a part of it; all begin with the file's path and the line
};

void PrintTo(const BadFile& bad, std::ostream* out) {
    *out << bad.text;
}

class BadCatalogue : public testing::TestWithParam<BadFile> {};

TEST_P(BadCatalogue, IsRefusedWithLineAndKey) {
    OperatorFile file(GetParam().text);
    auto loaded = Catalogue::load(builtin, {file.path()});
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::invalid_input);
    EXPECT_THAT(loaded.error().message, StartsWith(file.path().string() + ":"));
    EXPECT_THAT(loaded.error().message, HasSubstr(GetParam().message));
}

// One row of family x, with what a type must have and the text given.
std::string row(const std::string& more, const std::string& must = "vcpus = 2, memory_mib = 512") {
    return "[families.x.sizes]\n\nbig = { " + must + ", " + more + " }\n";
}

const BadFile not_toml[] = {
    {"a = \n", ":1: not TOML: "},
    {"[families.x\n", ":1: not TOML: "},
    {"[defaults]\nipv6 = true\nipv6 = false\n", ":3: not TOML: "},
};
INSTANTIATE_TEST_SUITE_P(NotToml, BadCatalogue, testing::ValuesIn(not_toml));

const BadFile bad_layout[] = {
    {"\ndefault = {}\n", ":2: default is not a key"},
    {"defaults = 3\n", ":1: defaults must be a table"},
    {"families = []\n", ":1: families must be a table"},
    {"[families]\nx = 1\n", ":2: families.x must be a table"},
    {"[families.x]\nsizes = 1\n", ":2: families.x.sizes must be a table"},
    {"[families.x.sizes]\nbig = 2\n", ":2: families.x.sizes.big must be a table"},
    {"[[families.x]]\n", ":1: families.x must be a table"},
    {"[families.x]\nburstable = true\n", ":1: families.x has no sizes"},
    {"[families.X.sizes]\n", ":1: families.X must have a name of"},
    {"[families.\"x.y\".sizes]\n", ":1: families.x.y must have a name of"},
    {"[families.x.sizes]\n\"\" = {}\n", ":2: families.x.sizes. must have a name of"},
    {"[families.x.sizes]\n\"b c\" = {}\n", ":2: families.x.sizes.b c must have a name of"},
};
INSTANTIATE_TEST_SUITE_P(Layout, BadCatalogue, testing::ValuesIn(bad_layout));

const BadFile bad_key[] = {
    {row("vcpu = 2"), ":3: families.x.sizes.big.vcpu is not a key of the catalogue"},
    {row("cores = 1"), ":3: families.x.sizes.big.cores is not a key"},
    {"[defaults]\nRam = 2\n", ":2: defaults.Ram is not a key"},
    {"[families.x]\nram = 2\n", ":2: families.x.ram is not a key"},
    {"[families.x.network]\nmax_enis = 2\n", ":1: families.x.network is not a key"},
};
INSTANTIATE_TEST_SUITE_P(Key, BadCatalogue, testing::ValuesIn(bad_key));

const BadFile bad_value[] = {
    {row("burstable = 1"), ":3: families.x.sizes.big.burstable must be true or false"},
    {row("max_enis = 0"), ":3: families.x.sizes.big.max_enis must be a whole number from 1 to 1024"},
    {row("max_enis = 2.0"), ".max_enis must be a whole number"},
    {row("max_enis = \"2\""), ".max_enis must be a whole number"},
    {"[defaults]\nvcpus = 0\n", ":2: defaults.vcpus must be a whole number from 1 to 1024"},
    {"[defaults]\nmemory_mib = 127\n", ":2: defaults.memory_mib must be a whole number from 128 to "},
    {"[defaults]\nmemory_mib = -9223372036854775808\n", ":2: defaults.memory_mib must be a whole number"},
    {row("clock_ghz = nan"), ".clock_ghz must be a number from 0 to 100"},
    {row("clock_ghz = inf"), ".clock_ghz must be a number from 0 to 100"},
    {row("clock_ghz = -1"), ".clock_ghz must be a number from 0 to 100"},
    {row("clock_ghz = 1979-05-27"), ".clock_ghz must be a number from 0 to 100"},
    {row("manufacturer = \"\""), ".manufacturer must be a text of 1 to 64"},
    {row("manufacturer = \"a\\nb\""), ".manufacturer must be a text of 1 to 64"},
    {row("ena = \"maybe\""), ".ena must be one of \"unsupported\", \"supported\", \"required\""},
    {row("ebs_nvme = true"), ".ebs_nvme must be one of"},
    {row("boot_modes = []"), ".boot_modes must be a list"},
    {row("boot_modes = [\"bios\"]"), ".boot_modes must be a list"},
    {row("boot_modes = [\"uefi\", \"uefi\"]"), ".boot_modes must be a list, without repeats"},
    {row("boot_modes = \"uefi\""), ".boot_modes must be a list"},
    {row("valid_cores = [1, 1]"), ".valid_cores must be a list, without repeats"},
    {row("valid_cores = [0]"), ".valid_cores must be a list"},
    {row("valid_cores = [1, \"2\"]"), ".valid_cores must be a list"},
    {row("valid_cores = 1"), ".valid_cores must be a list"},
};
INSTANTIATE_TEST_SUITE_P(Value, BadCatalogue, testing::ValuesIn(bad_value));

const BadFile bad_whole[] = {
    {row("ipv6 = true", "memory_mib = 512"), ":3: x.big has no vcpus"},
    {row("ipv6 = true", "vcpus = 2"), ":3: x.big has no memory_mib"},
    {row("threads_per_core = 2", "vcpus = 3, memory_mib = 512"),
     ":3: x.big has vcpus that are not a multiple"},
    {row("threads_per_core = 4"), ":3: x.big has vcpus that are not a multiple"},
    {row("valid_cores = [2]"), ":3: x.big has valid_cores that do not end with its 1 cores"},
    {row("valid_threads_per_core = [1]"), ":3: x.big has valid_threads_per_core that do not end with its 2"},
    {row("network_baseline_gbps = 2, network_peak_gbps = 1"), ":3: x.big has network_baseline_gbps above"},
    {row("ebs_baseline_mbps = 5"), ":3: x.big needs all or none of ebs_baseline_mbps"},
    {row("ebs_baseline_mbps = 5, ebs_baseline_iops = 1, ebs_maximum_mbps = 4, ebs_maximum_iops = 1"),
     ":3: x.big has ebs_baseline_mbps above"},
    {row("ebs_baseline_mbps = 5, ebs_baseline_iops = 2, ebs_maximum_mbps = 5, ebs_maximum_iops = 1"),
     ":3: x.big has ebs_baseline_iops above"},
    {"[families.t3.sizes]\n2xlarge = { vcpus = 16 }\n",
     ":2: t3.2xlarge has valid_cores that do not end with its 8"},
};
INSTANTIATE_TEST_SUITE_P(Whole, BadCatalogue, testing::ValuesIn(bad_whole));

TEST(TypeFilters, HaveEveryDocumentedNameOnceAndSorted) {
    std::vector<std::string_view> names(filter_names().begin(), filter_names().end());
    EXPECT_EQ(names.size(), 56U);
    EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
    EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

TEST(TypeFilters, GiveTheTypesValues) {
    const auto& type = *own().find("m5.4xlarge");
    const std::pair<const char*, std::vector<std::string>> expected[] = {
        {"instance-type", {"m5.4xlarge"}},
        {"vcpu-info.default-vcpus", {"16"}},
        {"vcpu-info.default-cores", {"8"}},
        {"vcpu-info.default-threads-per-core", {"2"}},
        {"vcpu-info.valid-cores", {"2", "4", "6", "8"}},
        {"vcpu-info.valid-threads-per-core", {"1", "2"}},
        {"memory-info.size-in-mib", {"65536"}},
        {"current-generation", {"false"}},
        {"hibernation-supported", {"true"}},
        {"hypervisor", {"nitro"}},
        {"bare-metal", {"false"}},
        {"processor-info.supported-architecture", {"x86_64"}},
        {"processor-info.sustained-clock-speed-in-ghz", {"3.1"}},
        {"network-info.maximum-network-cards", {"1"}},
        {"network-info.efa-supported", {"false"}},
        {"network-info.network-performance", {"Up to 10 Gigabit"}},
        {"supported-usage-class", {"on-demand", "spot"}},
        {"supported-boot-mode", {"legacy-bios", "uefi"}},
        {"ebs-info.encryption-support", {"supported"}},
        {"ebs-info.ebs-optimized-support", {"default"}},
        {"ebs-info.ebs-optimized-info.maximum-iops", {"18750"}},
        {"ebs-info.ebs-optimized-info.baseline-throughput-in-mbps", {"593.75"}},
        {"instance-storage-supported", {"false"}},
        {"instance-storage-info.disk.type", {}},
    };
    for (const auto& [name, values] : expected) EXPECT_EQ(filter_values(type, name), values) << name;
    EXPECT_THAT(
        filter_values(*own().find("m6i.4xlarge"), "ebs-info.ebs-optimized-info.baseline-throughput-in-mbps"),
        ElementsAre("625", "625.0"));
}

TEST(TypeFilters, HaveNoValuesForUnknownNamesAndUnstatedFacts) {
    for (const char* name : {"", "vcpus", "Instance-Type", "zzz", "tag:Name", "instance-typ"})
        EXPECT_THAT(filter_values(*own().find("t3.nano"), name), IsEmpty()) << name;
    InstanceType bare;
    bare.bare_metal = true;
    for (const char* name : {"hypervisor", "processor-info.sustained-clock-speed-in-ghz",
                             "ebs-info.ebs-optimized-info.baseline-iops",
                             "ebs-info.ebs-optimized-info.maximum-throughput-in-mbps"})
        EXPECT_THAT(filter_values(bare, name), IsEmpty()) << name;
}

TEST(InstanceTypeInfo, TellsOfInstanceStore) {
    const auto& type = *own().find("m5d.4xlarge");
    for (const auto& [name, value] : {std::pair{"instance-storage-supported", "true"},
                                      {"instance-storage-info.disk.count", "2"},
                                      {"instance-storage-info.disk.size-in-gb", "300"},
                                      {"instance-storage-info.disk.type", "ssd"},
                                      {"instance-storage-info.total-size-in-gb", "600"}})
        EXPECT_THAT(filter_values(type, name), ElementsAre(value)) << name;
    EXPECT_EQ(type.instance_disk_bytes(), 300'000'000'000);
    const auto info = api::to_ec2(type);
    EXPECT_EQ(info.instance_storage_supported, true);
    ASSERT_TRUE(info.instance_storage_info);
    EXPECT_EQ(info.instance_storage_info->total_size_in_gb, 600);
    ASSERT_EQ(info.instance_storage_info->disks.size(), 1U);
    EXPECT_EQ(info.instance_storage_info->disks[0].count, 2);
    EXPECT_FALSE(api::to_ec2(*own().find("m5.4xlarge")).instance_storage_info);
}

TEST(InstanceTypeInfo, CarriesTheFactsOver) {
    auto info = api::to_ec2(*own().find("t3.micro"));
    EXPECT_EQ(info.instance_type, "t3.micro");
    EXPECT_EQ(info.v_cpu_info->default_v_cpus, 2);
    EXPECT_EQ(info.v_cpu_info->default_cores, 1);
    EXPECT_EQ(info.memory_info->size_in_mi_b, 1024);
    EXPECT_EQ(info.hypervisor, "nitro");
    EXPECT_EQ(info.free_tier_eligible, true);
    EXPECT_EQ(info.processor_info->manufacturer, "Intel");
    EXPECT_EQ(info.ebs_info->ebs_optimized_info->baseline_throughput_in_m_bps, 10.875);
    EXPECT_EQ(info.network_info->maximum_network_interfaces, 2);
    ASSERT_EQ(info.network_info->network_cards.size(), 1U);
    EXPECT_EQ(info.network_info->network_cards[0].peak_bandwidth_in_gbps, 5.0);
    EXPECT_THAT(info.placement_group_info->supported_strategies, ElementsAre("partition", "spread"));
    EXPECT_THAT(info.supported_boot_modes, ElementsAre("legacy-bios", "uefi"));
}

TEST(InstanceTypeInfo, LeavesUnstatedFactsOut) {
    InstanceType type;
    type.name = "lab.tiny";
    type.bare_metal = true;
    auto info = api::to_ec2(type);
    EXPECT_FALSE(info.hypervisor);
    EXPECT_FALSE(info.processor_info->manufacturer);
    EXPECT_FALSE(info.processor_info->sustained_clock_speed_in_ghz);
    EXPECT_FALSE(info.ebs_info->ebs_optimized_info);
    EXPECT_FALSE(info.network_info->network_cards[0].baseline_bandwidth_in_gbps);
}

}  // namespace
}  // namespace lodge::catalogue

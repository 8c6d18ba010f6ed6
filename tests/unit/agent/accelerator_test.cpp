#include "agent/hypervisor/accelerator.h"

#include <gtest/gtest.h>

#include "tests/unit/agent/file_bytes.h"
#include "tests/unit/temporary_folder.h"

namespace lodge::agent {
namespace {

class AcceleratorTest : public ::testing::Test {
  protected:
    bool usable(const std::string& cpuinfo) {
        spill(dir_.path() / "cpuinfo", cpuinfo);
        return kvm_usable((dir_.path() / "kvm").string(), (dir_.path() / "cpuinfo").string());
    }
    TemporaryFolder dir_;
};

TEST_F(AcceleratorTest, NeedsTheDeviceAndAFlag) {
    const std::string intel = "processor : 0\nflags\t\t: fpu vmx sse\n";
    EXPECT_FALSE(usable(intel));
    spill(dir_.path() / "kvm", "");
    EXPECT_TRUE(usable(intel));
    EXPECT_TRUE(usable("flags\t: fpu svm\n"));
    EXPECT_FALSE(usable("flags\t: fpu sse vmxish\n"));
    EXPECT_FALSE(usable("flags\t: fpu\nvmx flags\t: ept\n"));
}

TEST_F(AcceleratorTest, WithoutFlagsTheDeviceDecides) {
    spill(dir_.path() / "kvm", "");
    EXPECT_TRUE(usable("processor : 0\nFeatures : fp asimd\n"));
}

TEST(Accelerator, OptionForcesEither) {
    EXPECT_EQ(accelerator_name(Accelerator::kvm), "kvm");
    EXPECT_EQ(accelerator_name(Accelerator::emulation), "qemu");
    EXPECT_EQ(parse_accelerator("auto"), Accelerator::automatic);
    EXPECT_EQ(parse_accelerator("kvm"), Accelerator::kvm);
    EXPECT_EQ(parse_accelerator("qemu"), Accelerator::emulation);
    EXPECT_FALSE(parse_accelerator("tcg"));
}

}  // namespace
}  // namespace lodge::agent

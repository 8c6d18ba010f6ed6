// What first bytes give away, and what is refused for it.
#include "api/images/content.h"

#include <gmock/gmock.h>

#include "tests/unit/images/qcow2_bytes.h"

namespace lodge::images {
namespace {

using namespace std::string_view_literals;
using ::testing::HasSubstr;

std::string at(std::size_t offset, std::string_view magic) {
    std::string bytes(1024, '\0');
    return bytes.replace(offset, magic.size(), magic);
}

std::string bzimage() {
    return at(0x1fe, "\x55\xaa").replace(0x202, 4, "HdrS");
}

TEST(Sniff, KnowsFormatsByTheirMagic) {
    EXPECT_EQ(sniff(Qcow2Bytes(2).bytes()), "qcow2");
    EXPECT_EQ(sniff(Qcow2Bytes(3).bytes()), "qcow2");
    EXPECT_EQ(sniff("QFI\xfb\0\0\0\x01"sv), "qcow (version 1)");
    EXPECT_EQ(sniff(at(0, "KDMV")), "vmdk");
    EXPECT_EQ(sniff("# Disk DescriptorFile\n"), "vmdk");
    EXPECT_EQ(sniff(at(0, "vhdxfile")), "vhdx");
    EXPECT_EQ(sniff(at(0, "conectix")), "vpc");
    EXPECT_EQ(sniff(at(0x40, "\x7f\x10\xda\xbe")), "vdi");
    EXPECT_EQ(sniff("\xfd"
                    "7zXZ\0..."sv),
              "xz");
    EXPECT_EQ(sniff(""), "");
    EXPECT_EQ(sniff("QFI"), "");
    EXPECT_EQ(sniff(at(0x1fe, "\x55\xaa")), "");  // a disk with a boot sector
}

TEST(DeclaredFormat, MustNotContradictTheContent) {
    EXPECT_TRUE(check_declared_format("raw", at(0x1fe, "\x55\xaa")));
    EXPECT_TRUE(check_declared_format("raw", ""));
    EXPECT_TRUE(check_declared_format("qcow2", Qcow2Bytes().bytes()));
    auto message = [](std::string_view declared, std::string_view bytes) {
        auto outcome = check_declared_format(declared, bytes);
        return outcome ? std::string() : outcome.error().message;
    };
    EXPECT_THAT(message("raw", Qcow2Bytes().bytes()), HasSubstr("say --format qcow2"));
    EXPECT_THAT(message("raw", at(0, "vhdxfile")), HasSubstr("qemu-img convert"));
    EXPECT_THAT(message("raw", "\x1f\x8b\x08"), HasSubstr("unpack it first"));
    EXPECT_THAT(message("raw", "<!DOCTYPE html>"), HasSubstr("web page"));
    EXPECT_THAT(message("qcow2", at(0, "KDMV")), HasSubstr("vmdk, not qcow2"));
    EXPECT_THAT(message("qcow2", at(0x1fe, "\x55\xaa")), HasSubstr("say --format raw"));
    EXPECT_THAT(message("qcow2", "QFI\xfb\0\0\0\x01"sv), HasSubstr("version 1"));
}

TEST(Kernel, OfPersonalComputersIsABzImage) {
    EXPECT_TRUE(check_kernel("x86_64", bzimage(), 8 << 20));
    EXPECT_TRUE(check_kernel("i386", bzimage(), 8 << 20));
    EXPECT_FALSE(check_kernel("x86_64",
                              at(0,
                                 "\x7f"
                                 "ELF"),
                              8 << 20));
    EXPECT_FALSE(check_kernel("x86_64", at(0x202, "HdrS"), 8 << 20));  // no boot sector
    EXPECT_FALSE(check_kernel("x86_64", bzimage().substr(0, 0x204), 8 << 20));
    EXPECT_FALSE(check_kernel("x86_64", "", 8 << 20));
    EXPECT_FALSE(check_kernel("x86_64", bzimage(), 1024));
    EXPECT_FALSE(check_kernel("x86_64", bzimage(), std::int64_t{1} << 30));
}

TEST(Kernel, OfArmIsAnImage) {
    EXPECT_TRUE(check_kernel("arm64", at(0x38, "ARM\x64"), 8 << 20));
    EXPECT_TRUE(check_kernel("arm64", at(0, "\x1f\x8b"), 8 << 20));
    EXPECT_FALSE(check_kernel("arm64", bzimage(), 8 << 20));
}

TEST(Ramdisk, IsNeitherKernelNorDisk) {
    EXPECT_TRUE(check_ramdisk("070701", 1 << 20));
    EXPECT_TRUE(check_ramdisk("\x1f\x8b\x08", 1 << 20));
    EXPECT_FALSE(check_ramdisk("", 0));
    EXPECT_FALSE(check_ramdisk("070701", std::int64_t{3} << 30));
    EXPECT_FALSE(check_ramdisk(bzimage(), 1 << 20));
    EXPECT_FALSE(check_ramdisk(Qcow2Bytes().bytes(), 1 << 20));
}

}  // namespace
}  // namespace lodge::images

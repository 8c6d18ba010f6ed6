#include "api/actions/boot_modes.h"

#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

namespace lodge::api {
namespace {

constexpr auto bios = BootMode::legacy_bios;
constexpr auto uefi = BootMode::uefi;
constexpr auto either = BootMode::uefi_preferred;

catalogue::InstanceType type_with(std::vector<std::string> modes) {
    catalogue::InstanceType type;
    type.name = "lab.big";
    type.boot_modes = std::move(modes);
    return type;
}

TEST(BootModes, UefiIsForDisksOfX8664) {
    for (const char* architecture : {"x86_64", "i386", "arm64"})
        for (const bool has_parts : {false, true}) {
            EXPECT_TRUE(check_boot_mode(bios, architecture, has_parts));
            for (const auto mode : {uefi, either}) {
                const auto checked = check_boot_mode(mode, architecture, has_parts);
                EXPECT_EQ(checked.has_value(), std::string(architecture) == "x86_64" && !has_parts);
                if (checked) continue;
                EXPECT_EQ(checked.error().code, ErrorCode::invalid_parameter_combination);
                EXPECT_NE(checked.error().message.find(to_text(mode)), std::string::npos);
            }
        }
}

TEST(BootModes, TheTypeDecidesWhereTheImageLeavesIt) {
    const auto both = type_with({"legacy-bios", "uefi"});
    const auto old = type_with({"legacy-bios"});
    const auto young = type_with({"uefi"});
    for (const auto& [type, mode, made] : {std::tuple{both, bios, bios},
                                           {both, uefi, uefi},
                                           {both, either, uefi},
                                           {old, bios, bios},
                                           {old, either, bios},
                                           {young, either, uefi},
                                           {young, uefi, uefi}})
        EXPECT_EQ(boot_mode_on(type, mode), made) << to_text(mode);
}

TEST(BootModes, ATypeWithoutTheImagesModeIsNamed) {
    const auto refused = boot_mode_on(type_with({"legacy-bios"}), uefi);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_parameter_value);
    EXPECT_NE(refused.error().message.find("lab.big"), std::string::npos);
    EXPECT_NE(refused.error().message.find("boot mode of UEFI"), std::string::npos);
    const auto other = boot_mode_on(type_with({"uefi"}), bios);
    ASSERT_FALSE(other);
    EXPECT_NE(other.error().message.find("boot mode of Legacy BIOS"), std::string::npos);
}

}  // namespace
}  // namespace lodge::api

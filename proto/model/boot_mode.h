#pragma once

#include "proto/model/enum_text.h"

namespace lodge {

// The firmware that begins a machine's boot. `uefi_preferred` is an image's alone: what is on it boots by
// either, and its instances run as `uefi` where their type supports that.
enum class BootMode { legacy_bios, uefi, uefi_preferred };

template <>
struct EnumText<BootMode> {
    static constexpr std::array words = {
        std::pair{BootMode::legacy_bios, std::string_view("legacy-bios")},
        std::pair{BootMode::uefi, std::string_view("uefi")},
        std::pair{BootMode::uefi_preferred, std::string_view("uefi-preferred")}};
};

}  // namespace lodge

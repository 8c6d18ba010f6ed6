#include "api/actions/boot_modes.h"

#include <algorithm>
#include <string>

namespace lodge::api {

// Hosts have UEFI's firmware for x86_64 alone. It looks for a boot loader on the disk.
Status check_boot_mode(BootMode mode, std::string_view architecture, bool has_parts) {
    if (mode == BootMode::legacy_bios) return {};
    const auto refuse = [mode](const std::string& why) {
        return fail(ErrorCode::invalid_parameter_combination,
                    "The boot mode '" + std::string(to_text(mode)) + "' is not supported with " + why + ".");
    };
    if (architecture != "x86_64") return refuse("the architecture '" + std::string(architecture) + "'");
    if (has_parts) return refuse("a kernel or ramdisk, which is booted directly");
    return {};
}

Result<BootMode> boot_mode_on(const catalogue::InstanceType& type, BootMode mode) {
    const auto supports = [&](BootMode each) {
        return std::find(type.boot_modes.begin(), type.boot_modes.end(), to_text(each)) !=
               type.boot_modes.end();
    };
    BootMode made = mode;
    if (mode == BootMode::uefi_preferred)
        made = supports(BootMode::uefi) ? BootMode::uefi : BootMode::legacy_bios;
    if (supports(made)) return made;
    return fail(ErrorCode::invalid_parameter_value,
                "The " + type.name + " instance type does not support an AMI with a boot mode of " +
                    (made == BootMode::uefi ? "UEFI" : "Legacy BIOS") +
                    ". Specify an instance type that does, and try again.");
}

}  // namespace lodge::api

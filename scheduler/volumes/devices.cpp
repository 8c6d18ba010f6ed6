#include "scheduler/volumes/devices.h"

#include <algorithm>

namespace lodge::volumes {
namespace {

// Cuts it off if it is there.
bool cut(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    return true;
}

}  // namespace

std::optional<std::string> disk_target(std::string_view device) {
    cut(device, "/dev/");
    const bool may_be_long = !device.starts_with("sd");
    if (!cut(device, "sd") && !cut(device, "xvd") && !cut(device, "vd")) return std::nullopt;
    const bool letters =
        std::all_of(device.begin(), device.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    const bool one = device.size() == 1;
    const bool two = may_be_long && device.size() == 2 && (device[0] == 'b' || device[0] == 'c');
    if (!letters || (!one && !two)) return std::nullopt;
    return "vd" + std::string(device);
}

}  // namespace lodge::volumes

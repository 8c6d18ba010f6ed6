// The names under which volumes are attached. Pure; any thread. Source: EC2 user guide, "Device names for
// volumes on Amazon EC2 instances".
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lodge::volumes {

// "vdf" of "/dev/sdf", "xvdf", "/dev/vdf": which disk of the guest that is, by libvirt's name for it; "vda"
// is the root disk. Nothing for what names none: letters are "a" to "z" or, behind "xvd" and "vd", "ba" to
// "cz".
std::optional<std::string> disk_target(std::string_view device);

}  // namespace lodge::volumes

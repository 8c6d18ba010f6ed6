#include "api/actions/image_names.h"

#include <algorithm>

namespace lodge::api {

Status check_image_name(std::string_view name) {
    constexpr std::string_view punctuation = " ()[]./-'@_";
    bool good = name.size() >= 3 && name.size() <= 128 && std::all_of(name.begin(), name.end(), [&](char c) {
                    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           punctuation.find(c) != std::string_view::npos;
                });
    if (good) return {};
    return fail(ErrorCode::invalid_ami_name_malformed,
                "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, "
                "'(', ')', '.', '-', '/', '_', '[', ']', ''', '@' and blanks");
}

}  // namespace lodge::api

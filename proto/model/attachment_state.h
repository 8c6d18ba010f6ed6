#pragma once

#include "proto/model/enum_text.h"

namespace lodge {

// Of a network interface or a volume to an instance. Source: EC2 reference, "NetworkInterfaceAttachment",
// "VolumeAttachment".
enum class AttachmentState { none, attaching, attached, detaching };

template <>
struct EnumText<AttachmentState> {
    static constexpr std::array words = {
        std::pair{AttachmentState::none, std::string_view("")},
        std::pair{AttachmentState::attaching, std::string_view("attaching")},
        std::pair{AttachmentState::attached, std::string_view("attached")},
        std::pair{AttachmentState::detaching, std::string_view("detaching")}};
};

}  // namespace lodge

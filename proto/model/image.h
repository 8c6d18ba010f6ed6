#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/base/ids.h"
#include "proto/model/enum_text.h"

namespace lodge {

template <>
struct EnumText<ImageType> {
    static constexpr std::array words = {std::pair{ImageType::machine, std::string_view("machine")},
                                         std::pair{ImageType::kernel, std::string_view("kernel")},
                                         std::pair{ImageType::ramdisk, std::string_view("ramdisk")}};
};

enum class ImageState { available, deregistered };

template <>
struct EnumText<ImageState> {
    static constexpr std::array words = {
        std::pair{ImageState::available, std::string_view("available")},
        std::pair{ImageState::deregistered, std::string_view("deregistered")}};
};

// Content in the image folder: immutable, named by its hash.
struct ImageBlob {
    std::string sha256;  // hex
    std::string format;  // "qcow2", "raw"; of kernels and ramdisks "raw"
    std::int64_t size_bytes = 0;
    std::int64_t virtual_size_bytes = 0;
};

// A registered image: a name and properties over content.
struct Image {
    ImageId id;
    AccountId account_id;
    std::string region;
    ImageType type = ImageType::machine;
    ImageState state = ImageState::available;
    std::string name;
    std::string description;
    std::string architecture;
    std::string location;  // "ACCOUNT/NAME", or what RegisterImage was given
    ImageBlob blob;
    std::string root_device_name;
    std::string kernel_id;  // empty: the disk boots by itself
    std::string ramdisk_id;
    std::string kernel_cmdline;
    bool is_public = false;
    UnixMs created_ms = 0;
    UnixMs deprecated_ms = 0;     // from when on it is; 0: never
    UnixMs last_launched_ms = 0;  // to the minute; 0: never
};

}  // namespace lodge

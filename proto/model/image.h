#pragma once

#include <string>
#include <vector>

#include "proto/base/clock.h"
#include "proto/base/ids.h"
#include "proto/model/boot_mode.h"
#include "proto/model/enum_text.h"
#include "proto/model/volume.h"

namespace lodge {

template <>
struct EnumText<ImageType> {
    static constexpr std::array words = {std::pair{ImageType::machine, std::string_view("machine")},
                                         std::pair{ImageType::kernel, std::string_view("kernel")},
                                         std::pair{ImageType::ramdisk, std::string_view("ramdisk")}};
};

// `pending` until all its snapshots are completed; `failed` if one of them never will be.
enum class ImageState { pending, available, failed, deregistered };

template <>
struct EnumText<ImageState> {
    static constexpr std::array words = {
        std::pair{ImageState::pending, std::string_view("pending")},
        std::pair{ImageState::failed, std::string_view("failed")},
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

// A disk that instances of an image begin with, made of a snapshot.
struct ImageDisk {
    std::string device;  // the image's root device, for one
    SnapshotId snapshot_id;
    VolumeShape shape;
    bool delete_on_termination = true;
    bool encrypted = false;  // as its snapshot is; an empty one is to be
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
    std::string location;          // "ACCOUNT/NAME", or what RegisterImage was given
    ImageBlob blob;                // of its root disk; no hash: that is one of `disks`
    std::vector<ImageDisk> disks;  // the root disk first
    std::string root_device_name;
    std::string kernel_id;  // empty: the disk boots by itself
    std::string ramdisk_id;
    std::string kernel_cmdline;
    BootMode boot_mode = BootMode::legacy_bios;
    bool is_public = false;
    UnixMs created_ms = 0;
    UnixMs deprecated_ms = 0;     // from when on it is; 0: never
    UnixMs last_launched_ms = 0;  // to the minute; 0: never
};

}  // namespace lodge

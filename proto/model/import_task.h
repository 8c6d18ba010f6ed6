#pragma once

#include <string>
#include <vector>

#include "proto/base/clock.h"
#include "proto/base/ids.h"
#include "proto/model/boot_mode.h"
#include "proto/model/enum_text.h"

namespace lodge {

// Of imports and exports. `deleting`: cancelled, and somebody may still be at work on it; `deleted`: it came
// to nothing, as its message says.
enum class TaskState { active, completed, deleting, deleted };

template <>
struct EnumText<TaskState> {
    static constexpr std::array words = {std::pair{TaskState::active, std::string_view("active")},
                                         std::pair{TaskState::completed, std::string_view("completed")},
                                         std::pair{TaskState::deleting, std::string_view("deleting")},
                                         std::pair{TaskState::deleted, std::string_view("deleted")}};
};

template <>
struct EnumText<ImportKind> {
    static constexpr std::array words = {std::pair{ImportKind::image, std::string_view("image")},
                                         std::pair{ImportKind::snapshot, std::string_view("snapshot")}};
};

// How far a task is.
struct TaskProgress {
    TaskState state = TaskState::active;
    std::string message = "pending";
    std::int64_t per_cent = 0;
    std::int64_t attempts = 0;  // that were begun; a stop of lodged in good order takes its one back
    UnixMs ended_ms = 0;        // 0: not yet
};

// A foreign disk that a task imports.
struct ImportDisk {
    ImportTaskId task_id;
    std::int64_t position = 0;  // from 0, the root disk
    std::string description;
    std::string device;  // of an image's
    std::string format;  // as qemu-img has it: "raw", "qcow2", "vmdk", "vpc", "vhdx", "vdi"
    std::string url;     // either this, or the two
    std::string bucket;
    std::string object_key;
    std::int64_t size_bytes = 0;  // that were fetched
    SnapshotId snapshot_id;       // empty: not yet
};

// ImportImage's or ImportSnapshot's work. See api/tasks/README.md.
struct ImportTask {
    ImportTaskId id;
    AccountId account_id;
    std::string region;
    ImportKind kind = ImportKind::image;
    std::string description;
    std::string architecture;                    // of an image
    BootMode boot_mode = BootMode::legacy_bios;  // the same
    TaskProgress progress;
    ImageId image_id;  // that came of it
    UnixMs created_ms = 0;
    std::vector<ImportDisk> disks;
};

}  // namespace lodge

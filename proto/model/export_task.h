#pragma once

#include "proto/model/import_task.h"

namespace lodge {

// ExportImage's work. See api/tasks/README.md.
struct ExportTask {
    ExportTaskId id;
    AccountId account_id;
    std::string region;
    ImageId image_id;
    std::string description;
    std::string format;  // as the API has it: "RAW", "VMDK", "VHD"
    std::string bucket;
    std::string prefix;
    TaskProgress progress;
    UnixMs created_ms = 0;
};

}  // namespace lodge

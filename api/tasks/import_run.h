// One import, from its disks' sources to snapshots and, of an image, to the image.
#pragma once

#include "api/tasks/progress.h"
#include "api/tasks/tools.h"

namespace lodge::api::tasks {

// On success the task is completed. On any error nothing of it is left; invalid_input and EC2's own codes are
// about what was to be imported, io_failure is about this machine, or `progress.cancelled()`. Blocks for as
// long as it takes.
Status run_import(const Tools& tools, const ImportTask& task, Progress& progress);

}  // namespace lodge::api::tasks

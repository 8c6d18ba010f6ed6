// One export: an image's disk, with all that it lies on, as one file in a bucket's folder.
#pragma once

#include "api/tasks/progress.h"
#include "api/tasks/tools.h"
#include "proto/model/export_task.h"

namespace lodge::api::tasks {

// Like run_import(). What was written before the error is gone.
Status run_export(const Tools& tools, const ExportTask& task, Progress& progress);

// Removes what a run that was killed has left of a task that does not go on.
void remove_export(const Tools& tools, const ExportTask& task);

}  // namespace lodge::api::tasks

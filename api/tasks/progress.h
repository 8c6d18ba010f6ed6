// Between a task's row and the work on it: tells the row how far the work is, and the work whether to go on.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "api/tasks/tools.h"
#include "proto/model/import_task.h"

namespace lodge::api::tasks {

// One task, one thread; blocks on the database now and then.
class Progress {
  public:
    using Change = std::function<void(TaskProgress&)>;
    // The task's row: changed in one transaction, and whether it is there and active.
    struct Row {
        std::function<Status(const Change&)> change;
        std::function<Result<bool>()> is_active;
    };

    Progress(const Tools& tools, const std::atomic<bool>& stopping, Row row);

    // What follows is this, and takes the task from the one to the other per cent.
    void enter(const std::string& message, std::int64_t from_per_cent, std::int64_t to_per_cent);
    // So much of what was entered is done.
    void advance(std::int64_t done, std::int64_t total);
    // Whether lodged stops or the task is active no more. Looks at the row a few times a second.
    bool cancelled();

  private:
    void tell();

    const Tools& tools_;
    const std::atomic<bool>& stopping_;
    const Row row_;
    std::string message_;
    std::int64_t from_ = 0;
    std::int64_t to_ = 0;
    std::int64_t per_cent_ = 0;
    std::int64_t told_per_cent_ = -1;
    std::int64_t looked_at_ms_ = 0;  // steady
    bool cancelled_ = false;
};

}  // namespace lodge::api::tasks

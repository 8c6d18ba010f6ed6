#include "api/actions/task_view.h"

#include <algorithm>

#include "db/store/export_tasks.h"
#include "db/store/import_tasks.h"

namespace lodge::api {
namespace {

template <class Task>
std::int64_t count_own(const RequestContext& context, const std::vector<Task>& open) {
    return std::count_if(open.begin(), open.end(),
                         [&](const Task& task) { return task.account_id == context.account_id; });
}

}  // namespace

std::optional<std::string> shown_progress(const TaskProgress& progress) {
    const bool goes_on = progress.state == TaskState::active || progress.state == TaskState::completed;
    return goes_on ? std::optional(std::to_string(progress.per_cent)) : std::nullopt;
}

Status check_task_limit(db::Session& session, const RequestContext& context) {
    constexpr std::int64_t most_tasks = 20;  // EC2's
    const auto open = count_own(context, db::import_tasks::open(session)) +
                      count_own(context, db::export_tasks::open(session));
    if (open < most_tasks) return {};
    return fail(ErrorCode::resource_limit_exceeded, std::to_string(most_tasks));
}

Status cancel(TaskProgress& progress, const std::string& id, const std::string& reason, UnixMs now_ms) {
    if (progress.state == TaskState::deleting) return {};
    if (progress.state != TaskState::active)
        return fail(ErrorCode::incorrect_state, "The task '" + id + "' cannot be cancelled: it is " +
                                                    std::string(to_text(progress.state)) + ".");
    progress.message = reason.empty() ? "Cancelled" : "Cancelled: " + reason;
    progress.state = progress.attempts == 0 ? TaskState::deleted : TaskState::deleting;
    if (progress.attempts == 0) progress.ended_ms = now_ms;
    return {};
}

}  // namespace lodge::api

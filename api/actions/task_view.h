// What imports and exports have in common for who asks for them.
#pragma once

#include <string>

#include "api/actions/network.h"
#include "proto/model/import_task.h"

namespace lodge::api {

// "45"; empty for a task that came to nothing.
std::optional<std::string> shown_progress(const TaskProgress& progress);

// Of a Record with a `value` that has a `progress`.
template <class Record>
const describe::FilterTable<Record>& task_filters() {
    static const describe::FilterTable<Record> table = {
        filter<Record>("task-state", [](const Record& r) { return to_text(r.value.progress.state); })};
    return table;
}

// ResourceLimitExceeded when as many of the account's as may be are still to be worked on.
Status check_task_limit(db::Session& session, const RequestContext& context);

// Ends it at once, if nobody has begun to work on it, else as soon as who works on it lets go of it. A second
// time changes nothing; IncorrectState for one that has ended.
Status cancel(TaskProgress& progress, const std::string& id, const std::string& reason, UnixMs now_ms);

}  // namespace lodge::api

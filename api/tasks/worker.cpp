#include "api/tasks/worker.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "api/tasks/export_run.h"
#include "api/tasks/import_run.h"
#include "db/store/export_tasks.h"
#include "db/store/import_tasks.h"
#include "proto/base/encoding.h"

namespace lodge::api::tasks {
namespace {

constexpr std::int64_t look_every_ms = 200;
constexpr std::int64_t forget_every_ms = 3'600'000;
constexpr std::int64_t keep_ended_ms = std::int64_t{90} * 24 * 3'600'000;
// A task that takes lodged down with it must not do so for ever.
constexpr std::int64_t most_attempts = 3;
constexpr std::size_t most_message_bytes = 500;

// What the worker does with both kinds.
template <class Task>
struct Kind;

template <>
struct Kind<ImportTask> {
    static constexpr auto find = db::import_tasks::find_any;
    static constexpr auto update = db::import_tasks::update;
    static constexpr auto run = run_import;
    static void tidy(const Tools&, const ImportTask&) {}  // the image folder removes it at its next opening
};

template <>
struct Kind<ExportTask> {
    static constexpr auto find = db::export_tasks::find_any;
    static constexpr auto update = db::export_tasks::update;
    static constexpr auto run = run_export;
    static void tidy(const Tools& tools, const ExportTask& task) { remove_export(tools, task); }
};

template <class Task>
Progress::Row row_of(const Tools& tools, const Task& task) {
    auto change = [&tools, id = task.id.str()](const Progress::Change& change_it) {
        return tools.database.write([&](db::Session& session) -> Status {
            auto found = Kind<Task>::find(session, id);
            if (!found) return fail(ErrorCode::not_found, id);
            change_it(found->progress);
            Kind<Task>::update(session, *found);
            return {};
        });
    };
    auto is_active = [&tools, id = task.id.str()] {
        return tools.database.read([&](db::Session& session) -> Result<bool> {
            const auto found = Kind<Task>::find(session, id);
            return found && found->progress.state == TaskState::active;
        });
    };
    return {change, is_active};
}

// Whose fault it is, in the words EC2 has for that; what is quoted of a hostile file is made harmless.
std::string message_of(const Error& error) {
    const bool ours = error.code == ErrorCode::io_failure || error.code == ErrorCode::internal_error;
    std::string text = ours ? "ServerError: " : "ClientError: ";
    for (std::size_t at = 0; at < error.message.size() && text.size() < most_message_bytes;) {
        const auto length = utf8_length(error.message, at);
        const auto character = error.message.substr(at, std::max<std::size_t>(1, length));
        text += length > 0 && xml_character(character) ? character : "?";
        at += character.size();
    }
    return text;
}

// Whether it is to be run.
bool begin(TaskProgress& progress, UnixMs now_ms) {
    if (progress.state == TaskState::deleting) {
        progress.state = TaskState::deleted;
        progress.ended_ms = now_ms;
        return false;
    }
    if (progress.state != TaskState::active) return false;  // cancelled since it was chosen
    if (progress.attempts >= most_attempts) {
        progress = {TaskState::deleted,
                    "ServerError: lodged was stopped in the middle of it too often; ask for it again", 0,
                    progress.attempts, now_ms};
        return false;
    }
    ++progress.attempts;
    return true;
}

void end(TaskProgress& progress, const Error& error, bool stopping, UnixMs now_ms) {
    if (progress.state == TaskState::active && stopping) {
        --progress.attempts;
        return;
    }
    if (progress.state == TaskState::active) progress.message = message_of(error);
    progress.state = TaskState::deleted;
    progress.ended_ms = now_ms;
}

struct Open {
    std::optional<ImportTask> import;
    std::optional<ExportTask> export_;
};

// The oldest of both; those that were cancelled first.
template <class Task>
std::optional<Task> first_of(const std::vector<Task>& tasks) {
    for (const auto& task : tasks)
        if (task.progress.state == TaskState::deleting) return task;
    return tasks.empty() ? std::nullopt : std::optional(tasks.front());
}

template <class Task>
UnixMs turn_of(const std::optional<Task>& task) {
    if (!task) return INT64_MAX;
    return task->progress.state == TaskState::deleting ? 0 : task->created_ms;
}

}  // namespace

Worker::Worker(Tools tools) : tools_(std::move(tools)), thread_([this] { loop(); }) {}

Worker::~Worker() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
}

bool Worker::wait(std::int64_t for_ms) {
    std::unique_lock lock(mutex_);
    return !wake_.wait_for(lock, std::chrono::milliseconds(for_ms), [this] { return stopping_.load(); });
}

void Worker::loop() {
    std::int64_t seen = -1;
    std::int64_t forgot_at_ms = 0;
    do {
        const auto version = tools_.database.version();
        if (version != seen && !work_on_next()) seen = version;
        if (forgot_at_ms == 0 || tools_.clock.steady_ms() - forgot_at_ms > forget_every_ms) {
            forget_old();
            forgot_at_ms = tools_.clock.steady_ms();
        }
    } while (wait(look_every_ms));
}

// Whether there was one.
bool Worker::work_on_next() {
    const auto open = tools_.database.read([](db::Session& session) -> Result<Open> {
        return Open{first_of(db::import_tasks::open(session)), first_of(db::export_tasks::open(session))};
    });
    if (!open || (!open->import && !open->export_)) return false;
    if (turn_of(open->import) <= turn_of(open->export_))
        work_on(*open->import);
    else
        work_on(*open->export_);
    return true;
}

// Where the database takes no change now, the task's turn comes again.
template <class Task>
void Worker::work_on(const Task& task) {
    const auto row = row_of(tools_, task);
    bool go_on = false;
    const auto begun =
        row.change([&](TaskProgress& progress) { go_on = begin(progress, tools_.clock.now_ms()); });
    if (begun && !go_on) Kind<Task>::tidy(tools_, task);
    if (!begun || !go_on) return;
    spdlog::info("{} begins", task.id.str());
    Progress progress(tools_, stopping_, row);
    const auto done = Kind<Task>::run(tools_, task, progress);
    spdlog::info("{} ends: {}", task.id.str(), done ? "it is completed" : message_of(done.error()));
    if (!done)
        static_cast<void>(
            row.change([&](TaskProgress& now) { end(now, done.error(), stopping_, tools_.clock.now_ms()); }));
}

void Worker::forget_old() {
    const auto before_ms = tools_.clock.now_ms() - keep_ended_ms;
    static_cast<void>(tools_.database.write([&](db::Session& session) -> Status {
        db::import_tasks::erase_ended(session, before_ms);
        db::export_tasks::erase_ended(session, before_ms);
        return {};
    }));
}

}  // namespace lodge::api::tasks

#include "api/tasks/progress.h"

#include <algorithm>

namespace lodge::api::tasks {
namespace {

constexpr std::int64_t look_every_ms = 250;

}  // namespace

Progress::Progress(const Tools& tools, const std::atomic<bool>& stopping, Row row)
    : tools_(tools), stopping_(stopping), row_(std::move(row)) {}

void Progress::enter(const std::string& message, std::int64_t from_per_cent, std::int64_t to_per_cent) {
    message_ = message;
    from_ = per_cent_ = from_per_cent;
    to_ = to_per_cent;
    tell();
}

void Progress::advance(std::int64_t done, std::int64_t total) {
    if (total > 0) per_cent_ = from_ + (to_ - from_) * std::min(done, total) / total;
}

bool Progress::cancelled() {
    if (stopping_ || cancelled_) return true;
    if (tools_.clock.steady_ms() - looked_at_ms_ < look_every_ms) return false;
    looked_at_ms_ = tools_.clock.steady_ms();
    if (per_cent_ != told_per_cent_) tell();
    const auto active = row_.is_active();
    cancelled_ = active && !*active;  // a database that cannot be read for a moment ends nothing
    return cancelled_;
}

// What cannot be written now is told the next time.
void Progress::tell() {
    const auto told = row_.change([&](TaskProgress& row) {
        if (row.state != TaskState::active) return;
        row.message = message_;
        row.per_cent = per_cent_;
    });
    if (told) told_per_cent_ = per_cent_;
}

}  // namespace lodge::api::tasks

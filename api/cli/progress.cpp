#include "api/cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "api/cli/text.h"

namespace lodge::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr auto between_updates = std::chrono::milliseconds(200);
constexpr auto worth_telling = std::chrono::seconds(1);

}  // namespace

Progress::Progress(std::ostream& out, std::string label, bool terminal)
    : out_(out), label_(printable(label)), terminal_(terminal), started_(SteadyClock::now()) {}

void Progress::update(std::int64_t done_bytes, std::int64_t total_bytes) {
    if (due(done_bytes, total_bytes)) show(done_bytes, total_bytes);
}

bool Progress::due(std::int64_t done_bytes, std::int64_t total_bytes) {
    if (terminal_) {
        bool last = done_bytes == total_bytes;
        return last || SteadyClock::now() - shown_ >= between_updates;
    }
    if (SteadyClock::now() - started_ < worth_telling) return false;
    std::int64_t mark = total_bytes > 0 ? done_bytes * 10 / total_bytes : done_bytes >> 30;
    if (mark < next_mark_ || mark == 0) return false;
    next_mark_ = mark + 1;
    return true;
}

void Progress::show(std::int64_t done_bytes, std::int64_t total_bytes) {
    shown_ = SteadyClock::now();
    double seconds = std::max(0.001, std::chrono::duration<double>(shown_ - started_).count());
    double mib = static_cast<double>(done_bytes) / (1 << 20);
    std::string text = label_ + ": ";
    if (total_bytes > 0)
        text += fmt::format("{:3} % of ", std::min<std::int64_t>(100, done_bytes * 100 / total_bytes));
    text += fmt::format("{}, {:.0f} MiB/s", human_bytes(total_bytes > 0 ? total_bytes : done_bytes),
                        mib / seconds);
    if (terminal_)
        out_ << '\r' << text << "\x1b[K" << std::flush;
    else
        out_ << text << std::endl;
    line_open_ = terminal_;
}

void Progress::finish() {
    if (line_open_) out_ << std::endl;
    line_open_ = false;
}

}  // namespace lodge::cli

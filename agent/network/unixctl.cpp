#include "agent/network/unixctl.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>

#include "proto/ovsdb/splitter.h"
#include "proto/ovsdb/stream.h"

namespace lodge::agent {
namespace {

using Json = nlohmann::json;

constexpr std::size_t most_bytes = std::size_t{1} << 20;

// One request and one reply, both JSON-RPC.
class Conversation {
  public:
    Conversation(ovsdb::Stream& stream, std::int64_t deadline_ms, const Clock& clock)
        : stream_(stream), deadline_ms_(deadline_ms), clock_(clock) {}

    Status say(std::string text) {
        while (!text.empty()) {
            LODGE_TRY(const std::size_t taken, stream_.write(text));
            text.erase(0, taken);
            if (taken == 0) LODGE_CHECK(wait(POLLOUT));
        }
        return {};
    }

    Result<std::string> hear() {
        ovsdb::Splitter splitter(most_bytes);
        std::array<char, 4096> buffer{};
        for (;;) {
            LODGE_TRY(const std::size_t got, stream_.read(buffer.data(), buffer.size()));
            LODGE_TRY(auto texts, splitter.feed({buffer.data(), got}));
            if (!texts.empty()) return std::move(texts.front());
            if (got == 0) LODGE_CHECK(wait(POLLIN));
        }
    }

  private:
    Status wait(short what) {
        pollfd waiting{stream_.descriptor(), what, 0};
        const auto left = std::max<std::int64_t>(deadline_ms_ - clock_.steady_ms(), 0);
        if (poll(&waiting, 1, static_cast<int>(left)) > 0) return {};
        return fail(ErrorCode::service_unavailable, "it is silent");
    }

    ovsdb::Stream& stream_;
    const std::int64_t deadline_ms_;
    const Clock& clock_;
};

Result<std::string> exchange(const std::string& socket, const std::string& method, std::int64_t timeout_ms,
                             const Clock& clock) {
    const std::int64_t deadline_ms = clock.steady_ms() + timeout_ms;
    LODGE_TRY(const auto stream, ovsdb::connect("unix:" + socket, {}, static_cast<int>(timeout_ms)));
    Conversation conversation(*stream, deadline_ms, clock);
    LODGE_CHECK(conversation.say(Json{{"id", 0}, {"method", method}, {"params", Json::array()}}.dump()));
    return conversation.hear();
}

// The text under `key`; empty if it is none.
std::string text_of(const Json& reply, const char* key) {
    const auto found = reply.find(key);
    if (found == reply.end() || !found->is_string()) return "";
    std::string text = found->get<std::string>();
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

}  // namespace

Result<std::string> ask_daemon(const std::string& rundir, const std::string& program,
                               const std::string& method, std::int64_t timeout_ms, const Clock& clock) {
    const std::string start = rundir + "/" + program + ".";
    std::string pid;
    std::ifstream(start + "pid") >> pid;
    if (pid.empty()) return fail(ErrorCode::service_unavailable, program + " does not run");
    const auto answer = exchange(start + pid + ".ctl", method, timeout_ms, clock);
    if (!answer)
        return fail(ErrorCode::service_unavailable, program + " does not answer: " + answer.error().message);
    const Json reply = Json::parse(*answer, nullptr, false);
    if (!reply.is_object()) return fail(ErrorCode::service_unavailable, program + " answers what is no JSON");
    if (const std::string error = text_of(reply, "error"); !error.empty())
        return fail(ErrorCode::io_failure, program + ": " + error);
    return text_of(reply, "result");
}

}  // namespace lodge::agent

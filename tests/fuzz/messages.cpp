// What an agent and the control plane read of each other: proto/agent. The first byte chooses the message.
#include "proto/agent/messages.h"
#include "proto/agent/leftovers.h"
#include "tests/fuzz/fuzz.h"

namespace lodge::fuzz {
namespace {

template <class Message>
void check(std::string_view text) {
    auto message = link::from_json<Message>(text);
    if (!message) return promise(message.error().code == ErrorCode::invalid_input, "the sender is to blame");
    auto written = link::to_json(*message);
    auto again = link::from_json<Message>(written);
    promise(again.has_value(), "what is written can be read");
    promise(link::to_json(*again) == written, "what is written reads the same");
}

constexpr void (*checks[])(std::string_view) = {
    check<link::JoinRequest>,       check<link::JoinReply>,       check<link::HelloRequest>,
    check<link::HelloReply>,        check<link::Heartbeat>,       check<link::HeartbeatReply>,
    check<link::LaunchDataRequest>, check<link::LaunchDataReply>, check<link::PollRequest>,
    check<link::PollReply>,         check<link::ReportRequest>,   check<link::ReportReply>,
    check<link::LeftoversRequest>,  check<link::LeftoversReply>,  check<link::LayerRequest>,
    check<link::LayerReply>,
};

}  // namespace
}  // namespace lodge::fuzz

LODGE_FUZZ_TARGET(text) {
    using namespace lodge::fuzz;
    if (text.empty()) return;
    checks[static_cast<unsigned char>(text[0]) % std::size(checks)](text.substr(1));
}

// Guests' DNS questions, resolvers' answers, and a host's list of resolvers: agent/metadata.
#include "agent/metadata/dns_packet.h"
#include "agent/metadata/resolvers.h"
#include "tests/fuzz/fuzz.h"

namespace lodge::fuzz {
namespace {

using namespace agent;

void check_query(std::string_view query, const DnsQuestion& question) {
    promise(question.size <= query.size() && question.name.size() <= 253, "a question lies in its message");
    static_cast<void>(is_private_name(question.name));
    for (auto why : {DnsFailure::server_failure, DnsFailure::no_such_name}) {
        auto refusal = refuse_query(query, question, why);
        promise(refusal.size() == question.size, "a refusal is no longer than its question");
        promise(is_reply_to(refusal, query, question), "a refusal answers its question");
        promise(!parse_query(refusal), "a refusal is no question");
    }
    std::string renamed(query);
    set_message_id(renamed, 0xbeef);
    auto again = parse_query(renamed);
    promise(again && again->name == question.name && again->size == question.size,
            "the ID is no part of the question");
    copy_message_id(renamed, query);
    promise(renamed == query, "the ID comes back");
}

void check_resolvers(std::string_view text) {
    for (const auto& address : name_servers(std::string(text)))
        promise(address.find('\n') == std::string::npos, "an address is on one line");
    if (auto resolver = parse_resolver(std::string(text)))
        promise(resolver->size > 0 && resolver->size <= sizeof(resolver->address), "an address has its size");
}

}  // namespace
}  // namespace lodge::fuzz

// The first byte says how much is the question; the rest is what comes back.
LODGE_FUZZ_TARGET(text) {
    using namespace lodge::agent;
    using namespace lodge::fuzz;
    check_resolvers(text);
    if (text.empty()) return;
    const auto split = static_cast<unsigned char>(text[0]);
    const auto query = text.substr(1, split);
    const auto reply = text.substr(1 + query.size());
    auto question = parse_query(query);
    if (!question) return;
    check_query(query, *question);
    if (is_reply_to(reply, query, *question))
        promise(!parse_query(reply) && reply.substr(0, 2) == query.substr(0, 2), "a reply is no question");
}

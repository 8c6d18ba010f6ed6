#include "agent/metadata/dns_queries.h"

#include <sys/socket.h>

#include <cerrno>
#include <vector>

namespace lodge::agent {
namespace {

constexpr int queries_a_turn = 32;  // of one network, before the next has its turn

}  // namespace

DnsQueries::DnsQueries(DnsContext& context)
    : context_(context), budget_(context.options.queries, context.options.queries_of_a_guest) {}

void DnsQueries::take(const std::shared_ptr<Fd>& socket, const std::string& network) {
    for (int i = 0; i < queries_a_turn; ++i) {
        auto asked = receive_datagram(socket->get(), longest_query_bytes);
        if (!asked) return;
        auto question = parse_query(asked->bytes);
        if (!question) continue;
        if (is_private_name(question->name)) {
            send_back(socket->get(), *asked, refuse_query(asked->bytes, *question, DnsFailure::no_such_name));
        } else {
            pass_on(socket, network, std::move(*asked), std::move(*question));
        }
    }
}

void DnsQueries::pass_on(const std::shared_ptr<Fd>& socket, const std::string& network, Datagram asked,
                         DnsQuestion question) {
    Query query;
    query.guest = network + "/" + text_of(asked.from);
    if (!budget_.take(query.guest)) return;
    query.socket = socket;
    query.asked = std::move(asked);
    query.question = std::move(question);
    ask_or_fail(std::move(query));
}

// From a port and with an ID that nobody knows: whoever would forge an answer has to guess both.
bool DnsQueries::ask(Query& query) {
    const auto& resolvers = context_.resolvers.now();
    if (resolvers.empty() || query.attempts >= dns_attempts) return false;
    const auto& resolver = resolvers[static_cast<std::size_t>(query.attempts++) % resolvers.size()];
    query.sent = query.asked.bytes;
    set_message_id(query.sent, static_cast<std::uint16_t>(context_.random.next_u64()));
    query.until_ms = context_.clock.steady_ms() + context_.options.patience_ms;
    query.upstream = resolver.connect(SOCK_DGRAM);
    return query.upstream &&
           ::send(query.upstream.get(), query.sent.data(), query.sent.size(), MSG_NOSIGNAL) >= 0;
}

void DnsQueries::ask_or_fail(Query query) {
    while (!ask(query)) {
        if (query.attempts < dns_attempts && !context_.resolvers.now().empty()) continue;
        refuse(query);
        return budget_.give(query.guest);
    }
    const int upstream = query.upstream.get();
    context_.reactor.watch(upstream, Reactor::For::reading, [this, upstream] { read_answer(upstream); });
    waiting_[upstream] = std::move(query);
}

DnsQueries::Query DnsQueries::take_out(int upstream) {
    context_.reactor.forget(upstream);
    auto node = waiting_.extract(upstream);
    return std::move(node.mapped());
}

// What answers something else is a forgery, or comes too late.
void DnsQueries::read_answer(int upstream) {
    auto found = waiting_.find(upstream);
    if (found == waiting_.end()) return;
    static thread_local std::string bytes;
    bytes.resize(longest_answer_bytes);
    auto size = ::recv(upstream, bytes.data(), bytes.size(), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size < 0) return ask_or_fail(take_out(upstream));  // nobody listens there
    bytes.resize(static_cast<std::size_t>(size));
    if (!is_reply_to(bytes, found->second.sent, found->second.question)) return;
    auto query = take_out(upstream);
    copy_message_id(bytes, query.asked.bytes);
    answer(query, bytes);
    budget_.give(query.guest);
}

void DnsQueries::answer(const Query& query, std::string_view bytes) {
    if (auto socket = query.socket.lock()) send_back(socket->get(), query.asked, bytes);
}

void DnsQueries::refuse(const Query& query) {
    answer(query, refuse_query(query.asked.bytes, query.question, DnsFailure::server_failure));
}

void DnsQueries::look_at_deadlines() {
    const auto now_ms = context_.clock.steady_ms();
    std::vector<int> late;
    for (const auto& [upstream, query] : waiting_)
        if (query.until_ms <= now_ms) late.push_back(upstream);
    for (int upstream : late) ask_or_fail(take_out(upstream));
}

}  // namespace lodge::agent

// Questions that guests ask by UDP, while they wait for a resolver's answer.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "agent/metadata/budget.h"
#include "agent/metadata/datagram.h"
#include "agent/metadata/dns_context.h"
#include "agent/metadata/dns_packet.h"

namespace lodge::agent {

// On the relay's thread.
class DnsQueries {
  public:
    explicit DnsQueries(DnsContext& context);

    // Takes what came in by a network's socket, a turn's worth; answers go out by it, while it is there.
    void take(const std::shared_ptr<Fd>& socket, const std::string& network);
    // Asks the next resolver for those that the last one let down.
    void look_at_deadlines();
    bool empty() const { return waiting_.empty(); }

  private:
    struct Query {
        std::weak_ptr<Fd> socket;
        Datagram asked;
        DnsQuestion question;
        std::string guest;
        std::string sent;  // what was asked, with an ID of its own
        Fd upstream;
        int attempts = 0;
        std::int64_t until_ms = 0;  // steady
    };

    void pass_on(const std::shared_ptr<Fd>& socket, const std::string& network, Datagram asked,
                 DnsQuestion question);
    bool ask(Query& query);
    void ask_or_fail(Query query);
    void read_answer(int upstream);
    Query take_out(int upstream);
    static void answer(const Query& query, std::string_view bytes);
    static void refuse(const Query& query);

    DnsContext& context_;
    GuestBudget budget_;
    std::unordered_map<int, Query> waiting_;  // by the descriptor of `upstream`
};

}  // namespace lodge::agent

// Connections by which guests ask their questions over TCP (RFC 7766), one question at a time.
//
//   asking → resolving → answering → asking          each may end: closed, or late
//
// A question goes on to a resolver over a connection of its own.
#pragma once

#include <string>
#include <unordered_map>

#include "agent/metadata/budget.h"
#include "agent/metadata/dns_context.h"
#include "agent/metadata/dns_packet.h"

namespace lodge::agent {

// On the relay's thread.
class DnsStreams {
  public:
    explicit DnsStreams(DnsContext& context);

    // Accepts who waits at a network's listening socket, a turn's worth.
    void accept(int listener, const std::string& network);
    void look_at_deadlines();
    bool empty() const { return streams_.empty(); }

  private:
    struct Stream {
        std::string guest;
        Fd end;
        std::string in;       // from the guest, beginning with a length
        std::string message;  // its present question
        DnsQuestion question;
        Fd upstream;  // while resolving
        std::string to_upstream;
        std::string from_upstream;
        int attempts = 0;
        std::string out;  // to the guest
        std::int64_t until_ms = 0;
    };

    void read_question(int end);
    void take_question(Stream& stream);
    void resolve(Stream& stream);
    void write_upstream(int end);
    void read_upstream(int end);
    void answer(Stream& stream, std::string_view message);
    void write_answer(int end);
    void drop_upstream(Stream& stream);
    void close(int end);
    Stream* find(int end);

    DnsContext& context_;
    GuestBudget budget_;
    std::unordered_map<int, Stream> streams_;  // by the descriptor of `end`
};

}  // namespace lodge::agent

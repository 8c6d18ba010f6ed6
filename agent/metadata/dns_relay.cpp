#include "agent/metadata/dns_relay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <list>
#include <optional>
#include <sstream>

#include "agent/metadata/dns_packet.h"

namespace lodge::agent {
namespace {

constexpr std::size_t longest_message = 65'535;
constexpr int attempts = 3;
constexpr std::int64_t tcp_life_ms = 10'000;
constexpr std::int64_t resolvers_life_ms = 5'000;

std::optional<sockaddr_in> parse_resolver(const std::string& text) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    auto colon = text.find(':');
    auto port = colon == std::string::npos ? 53 : std::atoi(text.c_str() + colon + 1);
    out.sin_port = htons(static_cast<std::uint16_t>(port));
    if (::inet_pton(AF_INET, text.substr(0, colon).c_str(), &out.sin_addr) != 1) return std::nullopt;
    return out;
}

std::vector<std::string> system_resolvers() {
    std::vector<std::string> out;
    std::ifstream file("/etc/resolv.conf");
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string word, address;
        if (words >> word >> address && word == "nameserver") out.push_back(address);
    }
    return out;
}

const sockaddr* generic(const sockaddr_in& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

// A message with where it came from and which of our addresses it was sent to.
struct Datagram {
    sockaddr_in from{};
    in_addr to{};
    std::string bytes;
};

std::optional<Datagram> receive(int fd) {
    Datagram out;
    out.bytes.resize(longest_message);
    iovec part{out.bytes.data(), out.bytes.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in_pktinfo))> control{};
    msghdr message{};
    message.msg_name = &out.from;
    message.msg_namelen = sizeof out.from;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    auto size = ::recvmsg(fd, &message, 0);
    if (size < 0) return std::nullopt;
    out.bytes.resize(static_cast<std::size_t>(size));
    for (auto* each = CMSG_FIRSTHDR(&message); each; each = CMSG_NXTHDR(&message, each)) {
        if (each->cmsg_level != IPPROTO_IP || each->cmsg_type != IP_PKTINFO) continue;
        in_pktinfo info{};
        std::memcpy(&info, CMSG_DATA(each), sizeof info);
        out.to = info.ipi_addr;
    }
    return out;
}

// From the address that was asked, or the guest would not take the answer.
void send_back(int fd, const Datagram& asked, std::string_view bytes) {
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in_pktinfo))> control{};
    msghdr message{};
    message.msg_name = const_cast<sockaddr_in*>(&asked.from);
    message.msg_namelen = sizeof asked.from;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    auto* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = IPPROTO_IP;
    header->cmsg_type = IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
    in_pktinfo info{};
    info.ipi_spec_dst = asked.to;
    std::memcpy(CMSG_DATA(header), &info, sizeof info);
    ::sendmsg(fd, &message, MSG_NOSIGNAL);  // lost is lost: the guest asks again
}

std::size_t count_of(const std::map<std::string, std::size_t>& counts, const std::string& guest) {
    auto found = counts.find(guest);
    return found == counts.end() ? 0 : found->second;
}

std::string name_of(const std::string& vpc_id, const sockaddr_in& guest) {
    std::array<char, INET_ADDRSTRLEN> text{};
    ::inet_ntop(AF_INET, &guest.sin_addr, text.data(), text.size());
    return vpc_id + "/" + text.data();
}

}  // namespace

// Everything but set_networks() and stop() is called on the relay's own thread.
class DnsRelay::Loop {
  public:
    Loop(DnsOptions options, const Clock& clock, Random& random)
        : options_(std::move(options)),
          clock_(clock),
          random_(random),
          wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

    void run() {
        while (!stopping_) {
            take_networks();
            wait();
            give_up_late();
        }
    }

    void set_networks(const std::vector<MetadataNetwork>& networks) {
        {
            std::lock_guard lock(mutex_);
            wanted_ = networks;
            fresh_ = true;
        }
        wake();
    }

    void stop() {
        stopping_ = true;
        wake();
    }

  private:
    struct Served {
        MetadataNetwork network;
        Fd udp;
        Fd tcp;
    };
    struct Query {  // a question that was passed on
        VpcId vpc_id;
        Datagram asked;
        DnsQuestion question;
        std::string guest;
        Fd upstream;
        std::uint16_t id = 0;  // its own, for the resolver
        int attempt = 0;
        std::int64_t until_ms = 0;
    };
    struct Stream {  // two TCP connections, and what is on the way from one to the other
        std::string guest;
        std::array<Fd, 2> ends;
        std::array<std::string, 2> pending;  // to be written to that end
        std::array<bool, 2> done{};          // that end sends no more
        std::int64_t until_ms = 0;
    };

    void wake() const {
        std::uint64_t one = 1;
        [[maybe_unused]] auto written = ::write(wake_.get(), &one, sizeof one);
    }

    void take_networks() {
        std::vector<MetadataNetwork> wanted;
        {
            std::lock_guard lock(mutex_);
            if (!std::exchange(fresh_, false)) return;
            wanted = wanted_;
        }
        std::erase_if(served_, [&](const auto& each) {
            return std::find(wanted.begin(), wanted.end(), each.second.network) == wanted.end();
        });
        for (const auto& network : wanted)
            if (!served_.contains(network.vpc_id)) open(network);
    }

    void open(const MetadataNetwork& network) {
        const std::string any =
            network.netns.empty() && !network.addresses.empty() ? network.addresses.front() : "0.0.0.0";
        auto udp = bound_socket(network.netns, SocketKind::udp, any, options_.port);
        auto tcp = bound_socket(network.netns, SocketKind::tcp, any, options_.port);
        if (udp && tcp && ::listen(tcp->get(), 64) == 0) {
            served_[network.vpc_id] = {network, std::move(*udp), std::move(*tcp)};
        } else {
            spdlog::warn("resolver of {}: {}", network.vpc_id.str(),
                         !udp   ? udp.error().message
                         : !tcp ? tcp.error().message
                                : "it cannot listen");
        }
    }

    // What is polled, with what to do about it, in one order.
    void wait() {
        std::vector<pollfd> polled = {{wake_.get(), POLLIN, 0}};
        for (const auto& [id, each] : served_) {
            polled.push_back({each.udp.get(), POLLIN, 0});
            polled.push_back({each.tcp.get(), POLLIN, 0});
        }
        for (const auto& each : queries_) polled.push_back({each.upstream.get(), POLLIN, 0});
        for (const auto& each : streams_)
            for (std::size_t end : {0U, 1U}) {
                auto events = events_of(each, end);  // none: not even that the peer is gone
                polled.push_back({events ? each.ends[end].get() : -1, events, 0});
            }
        ::poll(polled.data(), polled.size(), queries_.empty() && streams_.empty() ? 5'000 : 200);
        act(polled);
    }

    static short events_of(const Stream& stream, std::size_t end) {
        short events = 0;
        if (!stream.done[end] && stream.pending[1 - end].empty()) events |= POLLIN;
        if (!stream.pending[end].empty()) events |= POLLOUT;
        return events;
    }

    void act(const std::vector<pollfd>& polled) {
        std::size_t at = 0;
        std::uint64_t count = 0;
        if (polled[at++].revents) [[maybe_unused]]
            auto drained = ::read(wake_.get(), &count, sizeof count);
        const auto queries = queries_.size();
        const auto streams = streams_.size();
        for (auto& [id, each] : served_) {
            if (polled[at++].revents) take_queries(each);
            if (polled[at++].revents) take_connections(each);
        }
        auto query = queries_.begin();
        for (std::size_t i = 0; i < queries; ++i) {
            bool done = polled[at++].revents && take_answer(*query);
            query = done ? forget(query) : std::next(query);
        }
        auto stream = streams_.begin();
        for (std::size_t i = 0; i < streams; ++i) {
            bool alive = true;
            for (std::size_t end : {0U, 1U}) {
                auto events = polled[at++].revents;
                if (events) alive = alive && move(*stream, end);
            }
            stream = alive ? std::next(stream) : drop(stream);
        }
    }

    // --- UDP
    // -------------------------------------------------------------------------------------------------

    void take_queries(Served& served) {
        for (int i = 0; i < 64; ++i) {
            auto asked = receive(served.udp.get());
            if (!asked) return;
            auto question = parse_query(asked->bytes);
            if (!question) continue;
            if (is_private_name(question->name)) {
                send_back(served.udp.get(), *asked,
                          refuse_query(asked->bytes, *question, DnsFailure::no_such_name));
                continue;
            }
            pass_on(served, std::move(*asked), std::move(*question));
        }
    }

    void pass_on(Served& served, Datagram asked, DnsQuestion question) {
        auto guest = name_of(served.network.vpc_id.str(), asked.from);
        if (queries_.size() >= options_.queries || count_of(waiting_, guest) >= options_.queries_of_a_guest)
            return;
        Query query;
        query.vpc_id = served.network.vpc_id;
        query.asked = std::move(asked);
        query.question = std::move(question);
        query.guest = guest;
        if (!ask(query)) return answer_failure(query);
        ++waiting_[guest];
        queries_.push_back(std::move(query));
    }

    // Each attempt from a port of its own, with an ID of its own: whoever would forge an answer has to guess
    // both.
    bool ask(Query& query) {
        const auto& all = resolvers();
        if (all.empty()) return false;
        const auto& resolver = all[static_cast<std::size_t>(query.attempt) % all.size()];
        query.upstream = Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        query.id = static_cast<std::uint16_t>(random_.next_u64());
        query.until_ms = clock_.steady_ms() + options_.patience_ms;
        ++query.attempt;
        auto message = query.asked.bytes;
        set_message_id(message, query.id);
        return query.upstream && ::connect(query.upstream.get(), generic(resolver), sizeof resolver) == 0 &&
               ::send(query.upstream.get(), message.data(), message.size(), MSG_NOSIGNAL) >= 0;
    }

    // Whether the query is over.
    bool take_answer(Query& query) {
        std::string answer(longest_message, '\0');
        auto size = ::recv(query.upstream.get(), answer.data(), answer.size(), 0);
        if (size < 0) return next_attempt(query);  // nobody listens there
        answer.resize(static_cast<std::size_t>(size));
        if (message_id(answer) != query.id) return false;
        set_message_id(answer, query.question.id);
        if (auto served = served_.find(query.vpc_id); served != served_.end())
            send_back(served->second.udp.get(), query.asked, answer);
        return true;
    }

    bool next_attempt(Query& query) {
        if (query.attempt < attempts && ask(query)) return false;
        answer_failure(query);
        return true;
    }

    void answer_failure(const Query& query) {
        auto served = served_.find(query.vpc_id);
        if (served == served_.end()) return;
        send_back(served->second.udp.get(), query.asked,
                  refuse_query(query.asked.bytes, query.question, DnsFailure::server_failure));
    }

    std::list<Query>::iterator forget(std::list<Query>::iterator query) {
        if (--waiting_[query->guest] == 0) waiting_.erase(query->guest);
        return queries_.erase(query);
    }

    // --- TCP
    // -------------------------------------------------------------------------------------------------

    void take_connections(Served& served) {
        for (int i = 0; i < 16; ++i) {
            sockaddr_in from{};
            socklen_t size = sizeof from;
            Fd fd(::accept4(served.tcp.get(), reinterpret_cast<sockaddr*>(&from), &size,
                            SOCK_CLOEXEC | SOCK_NONBLOCK));
            if (!fd) return;
            auto guest = name_of(served.network.vpc_id.str(), from);
            const auto& all = resolvers();
            if (all.empty() || streams_.size() >= options_.connections ||
                count_of(connected_, guest) >= options_.connections_of_a_guest)
                continue;
            Stream stream;
            stream.guest = guest;
            stream.until_ms = clock_.steady_ms() + tcp_life_ms;
            stream.ends = {std::move(fd),
                           Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0))};
            if (!stream.ends[1]) continue;
            ::connect(stream.ends[1].get(), generic(all.front()), sizeof all.front());
            ++connected_[guest];
            streams_.push_back(std::move(stream));
        }
    }

    // What can be read from that end, or written to it; false when the connection is over.
    static bool move(Stream& stream, std::size_t end) {
        auto& out = stream.pending[end];
        if (!out.empty()) {
            auto sent = ::send(stream.ends[end].get(), out.data(), out.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno != EAGAIN && errno != EINPROGRESS && errno != ENOTCONN) return false;
            if (sent > 0) out.erase(0, static_cast<std::size_t>(sent));
        }
        if (!stream.done[end] && stream.pending[1 - end].empty()) {
            std::string bytes(16 * 1024, '\0');
            auto got = ::recv(stream.ends[end].get(), bytes.data(), bytes.size(), 0);
            if (got < 0 && errno != EAGAIN && errno != ENOTCONN) return false;
            if (got == 0) stream.done[end] = true;
            if (got > 0) stream.pending[1 - end] = bytes.substr(0, static_cast<std::size_t>(got));
        }
        const bool is_empty = stream.pending[0].empty() && stream.pending[1].empty();
        return !(is_empty && (stream.done[0] || stream.done[1]));
    }

    std::list<Stream>::iterator drop(std::list<Stream>::iterator stream) {
        if (--connected_[stream->guest] == 0) connected_.erase(stream->guest);
        return streams_.erase(stream);
    }

    // ---------------------------------------------------------------------------------------------------------

    void give_up_late() {
        const auto now_ms = clock_.steady_ms();
        for (auto at = queries_.begin(); at != queries_.end();)
            at = at->until_ms <= now_ms && next_attempt(*at) ? forget(at) : std::next(at);
        for (auto at = streams_.begin(); at != streams_.end();)
            at = at->until_ms <= now_ms ? drop(at) : std::next(at);
    }

    const std::vector<sockaddr_in>& resolvers() {
        const auto now_ms = clock_.steady_ms();
        if (now_ms < resolvers_until_ms_) return resolvers_;
        resolvers_until_ms_ = now_ms + resolvers_life_ms;
        resolvers_.clear();
        for (const auto& text : options_.resolvers.empty() ? system_resolvers() : options_.resolvers)
            if (auto parsed = parse_resolver(text)) resolvers_.push_back(*parsed);
        return resolvers_;
    }

    const DnsOptions options_;
    const Clock& clock_;
    Random& random_;
    const Fd wake_;
    std::atomic<bool> stopping_{false};

    std::mutex mutex_;
    std::vector<MetadataNetwork> wanted_;
    bool fresh_ = false;

    std::map<VpcId, Served> served_;
    std::list<Query> queries_;
    std::map<std::string, std::size_t> waiting_;  // queries, by guest
    std::list<Stream> streams_;
    std::map<std::string, std::size_t> connected_;  // streams, by guest
    std::vector<sockaddr_in> resolvers_;
    std::int64_t resolvers_until_ms_ = 0;
};

DnsRelay::DnsRelay(DnsOptions options, const Clock& clock, Random& random)
    : loop_(std::make_unique<Loop>(std::move(options), clock, random)) {
    thread_ = std::thread([this] { loop_->run(); });
}

DnsRelay::~DnsRelay() {
    loop_->stop();
    thread_.join();
}

void DnsRelay::set_networks(const std::vector<MetadataNetwork>& networks) {
    loop_->set_networks(networks);
}

}  // namespace lodge::agent

#include "agent/metadata/dns_streams.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

#include "agent/metadata/datagram.h"

namespace lodge::agent {
namespace {

constexpr int connections_a_turn = 16;
constexpr std::size_t length_bytes = 2;

// Message and length before it.
std::string framed(std::string_view message) {
    std::string out;
    out += static_cast<char>(message.size() >> 8);
    out += static_cast<char>(message.size() & 0xff);
    return out.append(message);
}

// The length at the beginning; nothing while it is not there.
std::optional<std::size_t> length_of(std::string_view bytes) {
    if (bytes.size() < length_bytes) return std::nullopt;
    return static_cast<std::size_t>(static_cast<unsigned char>(bytes[0])) << 8 |
           static_cast<unsigned char>(bytes[1]);
}

bool is_whole(std::string_view bytes) {
    auto length = length_of(bytes);
    return length && bytes.size() >= length_bytes + *length;
}

enum class Moved { some, none, over };

Moved outcome(ssize_t count) {
    if (count > 0) return Moved::some;
    return count < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN) ? Moved::none : Moved::over;
}

Moved read_into(int fd, std::string& bytes, std::size_t most) {
    char buffer[4096];
    auto got = ::recv(fd, buffer, std::min(sizeof buffer, most - bytes.size()), 0);
    auto moved = outcome(got);
    if (moved == Moved::some) bytes.append(buffer, static_cast<std::size_t>(got));
    return moved;
}

Moved write_from(int fd, std::string& bytes) {
    auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    auto moved = outcome(sent);
    if (moved == Moved::some) bytes.erase(0, static_cast<std::size_t>(sent));
    return moved;
}

}  // namespace

DnsStreams::DnsStreams(DnsContext& context)
    : context_(context), budget_(context.options.connections, context.options.connections_of_a_guest) {}

DnsStreams::Stream* DnsStreams::find(int end) {
    auto found = streams_.find(end);
    return found == streams_.end() ? nullptr : &found->second;
}

void DnsStreams::accept(int listener, const std::string& network) {
    for (int i = 0; i < connections_a_turn; ++i) {
        sockaddr_in from{};
        socklen_t size = sizeof from;
        Fd fd(::accept4(listener, reinterpret_cast<sockaddr*>(&from), &size, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!fd) return;
        auto guest = network + "/" + text_of(from);
        if (!budget_.take(guest)) continue;
        const int end = fd.get();
        auto& stream = streams_[end];
        stream.guest = std::move(guest);
        stream.end = std::move(fd);
        stream.until_ms = context_.clock.steady_ms() + context_.options.idle_ms;
        context_.reactor.watch(end, Reactor::For::reading, [this, end] { read_question(end); });
    }
}

void DnsStreams::close(int end) {
    auto* stream = find(end);
    if (!stream) return;
    drop_upstream(*stream);
    context_.reactor.forget(end);
    budget_.give(stream->guest);
    streams_.erase(end);
}

void DnsStreams::drop_upstream(Stream& stream) {
    if (stream.upstream) context_.reactor.forget(stream.upstream.get());
    stream.upstream = Fd();
    stream.to_upstream.clear();
    stream.from_upstream.clear();
}

void DnsStreams::read_question(int end) {
    auto* stream = find(end);
    if (!stream) return;
    if (read_into(end, stream->in, length_bytes + longest_query_bytes) == Moved::over) return close(end);
    take_question(*stream);
}

// The next one that is there as a whole; else waits for the rest of it.
void DnsStreams::take_question(Stream& stream) {
    const int end = stream.end.get();
    if (!is_whole(stream.in)) {
        if (length_of(stream.in).value_or(0) > longest_query_bytes) return close(end);
        return context_.reactor.watch(end, Reactor::For::reading, [this, end] { read_question(end); });
    }
    const auto length = *length_of(stream.in);
    stream.message = stream.in.substr(length_bytes, length);
    stream.in.erase(0, length_bytes + length);
    auto question = parse_query(stream.message);
    if (!question) return close(end);
    stream.question = std::move(*question);
    stream.attempts = 0;
    if (is_private_name(stream.question.name))
        return answer(stream, refuse_query(stream.message, stream.question, DnsFailure::no_such_name));
    resolve(stream);
}

// With the next resolver. The guest is not read meanwhile.
void DnsStreams::resolve(Stream& stream) {
    drop_upstream(stream);
    const int end = stream.end.get();
    context_.reactor.forget(end);
    const auto& resolvers = context_.resolvers.now();
    while (!stream.upstream && !resolvers.empty() && stream.attempts < dns_attempts)
        stream.upstream =
            resolvers[static_cast<std::size_t>(stream.attempts++) % resolvers.size()].connect(SOCK_STREAM);
    if (!stream.upstream)
        return answer(stream, refuse_query(stream.message, stream.question, DnsFailure::server_failure));
    stream.to_upstream = framed(stream.message);
    stream.until_ms = context_.clock.steady_ms() + context_.options.patience_ms;
    context_.reactor.watch(stream.upstream.get(), Reactor::For::writing,
                           [this, end] { write_upstream(end); });
}

void DnsStreams::write_upstream(int end) {
    auto* stream = find(end);
    if (!stream || !stream->upstream) return;
    if (write_from(stream->upstream.get(), stream->to_upstream) == Moved::over) return resolve(*stream);
    if (!stream->to_upstream.empty()) return;
    context_.reactor.watch(stream->upstream.get(), Reactor::For::reading,
                           [this, end] { read_upstream(end); });
}

void DnsStreams::read_upstream(int end) {
    auto* stream = find(end);
    if (!stream || !stream->upstream) return;
    auto& bytes = stream->from_upstream;
    if (read_into(stream->upstream.get(), bytes, length_bytes + longest_answer_bytes) == Moved::over)
        return resolve(*stream);
    if (!is_whole(bytes)) return;
    const auto message = bytes.substr(length_bytes, *length_of(bytes));
    if (!is_reply_to(message, stream->message, stream->question)) return resolve(*stream);
    answer(*stream, message);
}

void DnsStreams::answer(Stream& stream, std::string_view message) {
    stream.out = framed(message);
    drop_upstream(stream);
    const int end = stream.end.get();
    stream.until_ms = context_.clock.steady_ms() + context_.options.idle_ms;
    context_.reactor.watch(end, Reactor::For::writing, [this, end] { write_answer(end); });
}

void DnsStreams::write_answer(int end) {
    auto* stream = find(end);
    if (!stream) return;
    if (write_from(end, stream->out) == Moved::over) return close(end);
    if (stream->out.empty()) take_question(*stream);
}

void DnsStreams::look_at_deadlines() {
    const auto now_ms = context_.clock.steady_ms();
    std::vector<int> late;
    for (const auto& [end, stream] : streams_)
        if (stream.until_ms <= now_ms) late.push_back(end);
    for (int end : late) {
        auto* stream = find(end);
        if (stream->upstream)
            resolve(*stream);
        else
            close(end);
    }
}

}  // namespace lodge::agent

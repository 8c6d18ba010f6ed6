#include "agent/metadata/resolvers.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>

#include "proto/base/number.h"

namespace lodge::agent {
namespace {

constexpr std::int64_t look_every_ms = 2'000;
constexpr std::size_t longest_file = 64 * 1024;

struct Free {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

// Host and port, without brackets.
std::pair<std::string, std::string> split(const std::string& text) {
    if (text.starts_with("[")) {
        auto end = text.find("]:");
        if (end == std::string::npos) return {};
        return {text.substr(1, end - 1), text.substr(end + 2)};
    }
    auto colon = text.find(':');
    if (colon == std::string::npos || text.find(':', colon + 1) != std::string::npos) return {text, "53"};
    return {text.substr(0, colon), text.substr(colon + 1)};
}

std::optional<std::uint16_t> parse_port(const std::string& text) {
    const auto port = parse_number<std::uint16_t>(text);
    return port == 0 ? std::nullopt : port;
}

template <class Address>
Resolver resolver_at(const Address& address) {
    Resolver out;
    out.size = sizeof address;
    std::memcpy(&out.address, &address, sizeof address);
    return out;
}

std::optional<Resolver> parse_ipv4(const std::string& host, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) return std::nullopt;
    return resolver_at(address);
}

// With a scope, perhaps: "fe80::1%eth0".
std::optional<Resolver> parse_ipv6(const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_family = AF_INET6;
    hints.ai_flags = AI_NUMERICHOST;
    hints.ai_socktype = SOCK_DGRAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return std::nullopt;
    std::unique_ptr<addrinfo, Free> list(found);
    sockaddr_in6 address{};
    std::memcpy(&address, list->ai_addr, sizeof address);
    address.sin6_port = htons(port);
    return resolver_at(address);
}

}  // namespace

Fd Resolver::connect(int type) const {
    Fd fd(::socket(address.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return fd;
    const bool gone = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0;
    return gone && errno != EINPROGRESS ? Fd() : std::move(fd);
}

std::optional<Resolver> parse_resolver(const std::string& text) {
    auto [host, port_text] = split(text);
    auto port = parse_port(port_text);
    if (!port) return std::nullopt;
    return host.find(':') == std::string::npos ? parse_ipv4(host, *port) : parse_ipv6(host, *port);
}

std::vector<std::string> name_servers(const std::string& resolv_conf) {
    std::vector<std::string> out;
    std::istringstream file(resolv_conf);
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string word, address;
        if (words >> word >> address && word == "nameserver") out.push_back(address);
    }
    return out;
}

Result<Resolvers> Resolvers::make(const std::vector<std::string>& fixed, std::filesystem::path file,
                                  const Clock& clock) {
    Resolvers made(fixed.empty() ? std::move(file) : std::filesystem::path(), clock);
    for (const auto& text : fixed) {
        auto parsed = parse_resolver(text);
        if (!parsed) return fail(ErrorCode::invalid_input, "'" + text + "' is not the address of a resolver");
        made.list_.push_back(*parsed);
    }
    return made;
}

const std::vector<Resolver>& Resolvers::now() {
    if (!file_.empty() && clock_->steady_ms() >= look_again_ms_) read_again();
    return list_;
}

void Resolvers::read_again() {
    look_again_ms_ = clock_->steady_ms() + look_every_ms;
    std::string text(longest_file, '\0');
    std::ifstream in(file_, std::ios::binary);
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (text == seen_) return;
    seen_ = text;
    list_.clear();
    for (const auto& address : name_servers(text))
        if (auto parsed = parse_resolver(address)) list_.push_back(*parsed);
}

}  // namespace lodge::agent

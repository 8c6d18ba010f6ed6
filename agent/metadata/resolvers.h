// Whom the relay asks: the host's own resolvers, or those of an option.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/storage/files.h"
#include "proto/base/clock.h"
#include "proto/base/result.h"

namespace lodge::agent {

struct Resolver {
    sockaddr_storage address{};
    socklen_t size = 0;

    // A socket on its way there, in our own network namespace; none when the system has no way.
    Fd connect(int type) const;
};

// "192.0.2.1", "2001:db8::1", "192.0.2.1:5353", "[2001:db8::1]:5353".
std::optional<Resolver> parse_resolver(const std::string& text);
// The addresses behind "nameserver" in a resolv.conf(5).
std::vector<std::string> name_servers(const std::string& resolv_conf);

// One thread.
class Resolvers {
  public:
    // InvalidInput, with its words, when one of `fixed` is no address. Without any, those of `file` count, as
    // it is at the moment.
    static Result<Resolvers> make(const std::vector<std::string>& fixed, std::filesystem::path file,
                                  const Clock& clock);

    const std::vector<Resolver>& now();

  private:
    Resolvers(std::filesystem::path file, const Clock& clock) : file_(std::move(file)), clock_(&clock) {}
    void read_again();

    std::filesystem::path file_;  // empty: the list is fixed
    const Clock* clock_;
    std::vector<Resolver> list_;
    std::int64_t look_again_ms_ = 0;  // steady
    std::string seen_;                // what the file was
};

}  // namespace lodge::agent

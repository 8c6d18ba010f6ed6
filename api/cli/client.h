// lodged's operator interface: JSON over HTTP over its unix socket.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "proto/base/result.h"

namespace lodge::cli {

// An Error and whether lodged may have done what it was asked nevertheless: it answered with a failure of its
// own (5xx), not in time, or not at all after it had the request.
struct CallError : Error {
    bool outcome_unknown = false;
};

template <class T>
using Answer = tl::expected<T, CallError>;

// One thread at a time. Every call returns within its timeout, whether lodged runs or not; errors say what
// the operator can do. An error answered by lodged keeps lodged's code and message.
class Client {
  public:
    explicit Client(std::string socket_path) : socket_path_(std::move(socket_path)) {}

    Answer<nlohmann::json> get(std::string_view path) const;
    Answer<nlohmann::json> post(std::string_view path, const nlohmann::json& body,
                                long timeout_s = default_timeout_s) const;
    Answer<nlohmann::json> remove(std::string_view path) const;

    static constexpr long default_timeout_s = 30;

  private:
    Answer<nlohmann::json> call(const char* method, std::string_view path, const std::string& body,
                                long timeout_s) const;
    std::string socket_path_;
};

}  // namespace lodge::cli

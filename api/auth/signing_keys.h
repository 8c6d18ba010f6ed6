// Signing keys derived before, so that a request costs one HMAC and not five.
// Source: IAM user guide, "Create a signed AWS API request", step 4.
#pragma once

#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "api/auth/sigv4.h"

namespace lodge::auth {

// 32 raw bytes. As good as the secret for its day, region and service: never to be logged.
using SigningKey = std::string;

SigningKey derive_signing_key(std::string_view secret, std::string_view date, std::string_view region,
                              std::string_view service);

// Keeps the keys of the last `capacity` pairs of access key and scope; drops the one unused longest. Any
// thread. An entry answers only to the secret that it was derived from, so a replaced secret takes effect at
// once.
class SigningKeys {
  public:
    explicit SigningKeys(std::size_t capacity = 4096);
    ~SigningKeys();
    SigningKeys(const SigningKeys&) = delete;
    SigningKeys& operator=(const SigningKeys&) = delete;

    std::optional<SigningKey> find(const Claim& claim, std::string_view secret);
    // For claims that proved good: else anybody could push out the entries of others.
    void store(const Claim& claim, std::string_view secret, SigningKey key);
    std::size_t size() const;

  private:
    struct Entry {
        std::string name;  // access key and scope
        std::string secret_hash;
        SigningKey key;
        ~Entry();
    };
    using Entries = std::list<Entry>;  // the last used first

    const std::size_t capacity_;
    mutable std::mutex mutex_;
    Entries entries_;
    std::unordered_map<std::string_view, Entries::iterator> by_name_;  // views into entries_
};

}  // namespace lodge::auth

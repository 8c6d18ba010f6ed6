#include "api/auth/signing_keys.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include "api/auth/canonical.h"
#include "proto/base/encoding.h"

namespace lodge::auth {
namespace {

// The parts are free of '/': read_claim sees to it.
std::string name_of(const Claim& claim) {
    return fmt::format("{}/{}/{}/{}", claim.access_key, claim.date, claim.region, claim.service);
}

void wipe(std::string& text) {
    OPENSSL_cleanse(text.data(), text.size());
}

}  // namespace

SigningKey derive_signing_key(std::string_view secret, std::string_view date, std::string_view region,
                              std::string_view service) {
    std::string seed = fmt::format("AWS4{}", secret);
    std::string of_day = hmac_sha256(seed, date);
    wipe(seed);
    return hmac_sha256(hmac_sha256(hmac_sha256(of_day, region), service), terminator);
}

SigningKeys::Entry::~Entry() {
    wipe(key);
}

SigningKeys::SigningKeys(std::size_t capacity) : capacity_(capacity) {}

SigningKeys::~SigningKeys() = default;

std::optional<SigningKey> SigningKeys::find(const Claim& claim, std::string_view secret) {
    std::string name = name_of(claim);
    std::string secret_hash = sha256(secret);
    std::lock_guard lock(mutex_);
    auto found = by_name_.find(name);
    if (found == by_name_.end()) return std::nullopt;
    entries_.splice(entries_.begin(), entries_, found->second);
    if (!equal_in_constant_time(found->second->secret_hash, secret_hash)) return std::nullopt;
    return found->second->key;
}

void SigningKeys::store(const Claim& claim, std::string_view secret, SigningKey key) {
    Entries fresh;
    fresh.push_back({name_of(claim), sha256(secret), std::move(key)});
    std::lock_guard lock(mutex_);
    if (auto old = by_name_.find(fresh.front().name); old != by_name_.end()) {
        auto entry = old->second;
        by_name_.erase(old);
        entries_.erase(entry);
    }
    entries_.splice(entries_.begin(), fresh);
    by_name_.emplace(entries_.front().name, entries_.begin());
    while (entries_.size() > capacity_) {
        by_name_.erase(entries_.back().name);
        entries_.pop_back();
    }
}

std::size_t SigningKeys::size() const {
    std::lock_guard lock(mutex_);
    return entries_.size();
}

}  // namespace lodge::auth

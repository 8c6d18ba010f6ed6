// Limits how fast an account may ask, as EC2 does: a token bucket for each account, region and action, and
// for some actions one more that counts the instances they act upon. What one account uses up, no other
// misses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "api/pipeline/bucket_sizes.h"
#include "proto/base/clock.h"

namespace lodge::api {

// What a request asks of the buckets.
struct ThrottledCall {
    std::string_view account_id;  // proved by the signature: else anybody could drain another's buckets
    std::string_view region;
    std::string_view action;
    bool unfiltered = false;     // a listing that asks for neither a filter nor a page
    std::int64_t instances = 0;  // that it is to launch, start, stop or terminate
};

// Any thread. Keeps at most `most_buckets` (2 or more), those used last: a bucket that is forgotten begins
// full again. One that has refilled is forgotten soon, for that makes no difference.
class Throttle {
  public:
    static constexpr std::size_t default_most_buckets = 65'536;

    Throttle(const Clock& clock, BucketSizes sizes, std::size_t most_buckets = default_most_buckets);

    // Takes the call's tokens, or none at all and RequestLimitExceeded.
    Status admit(const ThrottledCall& call);

    std::size_t size() const;  // buckets kept

  private:
    struct Bucket {
        std::string name;
        BucketSize size;
        double tokens = 0;
        std::int64_t filled_us = 0;  // when `tokens` was true

        void refill(std::int64_t now_us);
        bool has(double count) const;
    };
    using Buckets = std::list<Bucket>;  // the last used first

    Bucket& bucket(std::string name, const BucketSize& size, std::int64_t now_us);
    Status take(const ThrottledCall& call, std::int64_t now_us);
    void forget(std::int64_t now_us);

    const Clock& clock_;
    const BucketSizes sizes_;
    const std::size_t most_buckets_;
    mutable std::mutex mutex_;
    Buckets buckets_;
    std::unordered_map<std::string_view, Buckets::iterator> by_name_;  // views into buckets_
};

}  // namespace lodge::api

#include "api/pipeline/throttle.h"

#include <fmt/format.h>

#include <algorithm>

namespace lodge::api {
namespace {

constexpr double microseconds = 1e6;
// What sums of fractions may be short of a whole token.
constexpr double rounding = 1e-6;

Status refuse(const BucketSize& size, std::int64_t instances) {
    auto error = make_error(ErrorCode::request_limit_exceeded);
    if (static_cast<double>(instances) > size.capacity)
        error.message += fmt::format(" One request may be for {} instances at most.", size.capacity);
    return tl::unexpected(std::move(error));
}

}  // namespace

void Throttle::Bucket::refill(std::int64_t now_us) {
    auto elapsed_us = std::max<std::int64_t>(0, now_us - filled_us);
    tokens =
        std::min(size.capacity, tokens + static_cast<double>(elapsed_us) / microseconds * size.per_second);
    filled_us = now_us;
}

bool Throttle::Bucket::has(double count) const {
    return tokens + rounding >= count;
}

Throttle::Throttle(const Clock& clock, BucketSizes sizes, std::size_t most_buckets)
    : clock_(clock), sizes_(std::move(sizes)), most_buckets_(std::max<std::size_t>(2, most_buckets)) {}

Status Throttle::admit(const ThrottledCall& call) {
    std::lock_guard lock(mutex_);
    auto now_us = clock_.steady_us();
    auto taken = take(call, now_us);
    forget(now_us);
    return taken;
}

Status Throttle::take(const ThrottledCall& call, std::int64_t now_us) {
    bool unfiltered = call.unfiltered && BucketSizes::counts_unfiltered(call.action);
    auto name = fmt::format("{}/{}/{}", call.account_id, call.region, call.action);
    auto& requests =
        bucket(name + (unfiltered ? "/unfiltered" : ""), sizes_.of_requests(call.action, unfiltered), now_us);
    if (!requests.has(1)) return refuse(requests.size, 0);
    auto size = call.instances > 0 ? sizes_.of_instances(call.action) : std::nullopt;
    if (size) {
        auto& instances = bucket(name + "/instances", *size, now_us);
        if (!instances.has(static_cast<double>(call.instances))) return refuse(*size, call.instances);
        instances.tokens -= static_cast<double>(call.instances);
    }
    requests.tokens -= 1;
    return {};
}

Throttle::Bucket& Throttle::bucket(std::string name, const BucketSize& size, std::int64_t now_us) {
    auto known = by_name_.find(name);
    if (known == by_name_.end()) {
        buckets_.push_front({std::move(name), size, size.capacity, now_us});
        by_name_.emplace(buckets_.front().name, buckets_.begin());
    } else {
        buckets_.splice(buckets_.begin(), buckets_, known->second);
    }
    buckets_.front().refill(now_us);
    return buckets_.front();
}

// Of those unused longest, the full ones, and however many there are too many.
void Throttle::forget(std::int64_t now_us) {
    while (!buckets_.empty()) {
        auto& last = buckets_.back();
        last.refill(now_us);
        if (buckets_.size() <= most_buckets_ && !last.has(last.size.capacity)) return;
        by_name_.erase(last.name);
        buckets_.pop_back();
    }
}

std::size_t Throttle::size() const {
    std::lock_guard lock(mutex_);
    return buckets_.size();
}

}  // namespace lodge::api

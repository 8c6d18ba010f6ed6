#include "scheduler/placement/group_search.h"

#include <algorithm>
#include <numeric>

namespace lodge::scheduler {
namespace {

constexpr std::int64_t no_partition = 0;
constexpr std::int64_t barred_to_all = -1;

}  // namespace

std::string zone_of_cluster(const CapacityIndex& index, const Request& request) {
    if (!request.group || request.group->strategy != GroupStrategy::cluster) return {};
    for (const auto& holder : request.group->holders)
        if (const HostCapacity* host = index.find(holder.host)) return host->zone;
    return {};
}

GroupSearch::GroupSearch(const CapacityIndex& index, const Partition& partition, const Request& request)
    : index_(index), held_(std::make_unique<Held>()) {
    if (!request.group) {
        add_search(partition, request, {});
        return;
    }
    for (const auto& [id, number] : request.group->holders) {
        if (!held_->emplace(id, number).second) continue;
        const IndexedHost* host = index_.entry(id);
        if (host == nullptr || host->capacity.condition != HostCondition::ok) continue;
        const bool here =
            host->capacity.zone == partition.zone && host->capacity.architecture == partition.architecture;
        if (here) hosts_.push_back(host);
    }
    switch (request.group->strategy) {
        case GroupStrategy::spread:
            plan_spread(partition, request);
            break;
        case GroupStrategy::cluster:
            plan_cluster(partition, request);
            break;
        case GroupStrategy::partition:
            plan_partitions(partition, request);
            break;
    }
}

void GroupSearch::add_search(const Partition& partition, const Request& request, HostRule rule) {
    const Demand demand{request.vcpus, request.memory_mib};
    numbers_.push_back(std::max(rule.own, no_partition));
    counts_.push_back(0);
    searches_.emplace_back(partition, demand, request.strategy, request.seed, std::move(rule));
}

void GroupSearch::bar_others(std::int64_t own) {
    for (const IndexedHost* host : hosts_)
        if (held_->at(host->capacity.id) != own) barred_.push_back(host);
}

void GroupSearch::plan_spread(const Partition& partition, const Request& request) {
    bar_others(barred_to_all);
    add_search(partition, request, {.held = held_.get(), .own = barred_to_all, .once = true, .first = {}});
}

void GroupSearch::plan_cluster(const Partition& partition, const Request& request) {
    add_search(partition, request, {.together = true, .first = hosts_});
}

void GroupSearch::plan_partitions(const Partition& partition, const Request& request) {
    const std::int64_t wanted = request.group->partition;
    if (wanted != no_partition) {
        bar_others(wanted);
        add_search(partition, request, {.held = held_.get(), .own = wanted, .first = {}});
        return;
    }
    for (std::int64_t number = 1; number <= request.group->partitions; ++number)
        add_search(partition, request, {.held = held_.get(), .own = number, .first = {}});
    for (const auto& [id, number] : request.group->holders) {
        const HostCapacity* host = index_.find(id);
        if (host == nullptr || host->zone != partition.zone) continue;
        if (number >= 1 && number <= std::ssize(counts_)) ++counts_[static_cast<std::size_t>(number - 1)];
    }
}

std::optional<GroupSearch::Found> GroupSearch::next() {
    std::vector<std::size_t> order(searches_.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return counts_[a] < counts_[b]; });
    for (const std::size_t at : order) {
        const IndexedHost* host = searches_[at].next();
        if (host == nullptr) continue;
        ++counts_[at];
        held_->emplace(host->capacity.id, numbers_[at]);
        return Found{host, numbers_[at]};
    }
    return std::nullopt;
}

std::vector<TakenHost> GroupSearch::taken() const {
    std::vector<TakenHost> all;
    for (const Search& search : searches_)
        for (const TakenHost& host : search.taken())
            if (host.instances > 0) all.push_back(host);
    return all;
}

}  // namespace lodge::scheduler

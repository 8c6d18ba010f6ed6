#include "scheduler/placement/group_search.h"

#include <algorithm>
#include <limits>

namespace lodge::scheduler {
namespace {

constexpr std::int64_t no_partition = 0;
constexpr std::int64_t barred_to_all = -1;
constexpr std::int64_t run_dry = std::numeric_limits<std::int64_t>::max();

}  // namespace

std::string zone_of_cluster(const CapacityIndex& index, const Request& request) {
    if (!request.group || request.group->strategy != GroupStrategy::cluster) return {};
    for (const auto& holder : request.group->holders)
        if (const HostCapacity* host = index.find(holder.host)) return host->zone;
    return {};
}

GroupSearch::GroupSearch(const CapacityIndex& index, const Partition& partition, const Request& request)
    : index_(index) {
    if (!request.group) {
        add_search(partition, request, {});
        bar_full(partition, request);
        return;
    }
    held_ = std::make_unique<Held>();
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
    bar_full(partition, request);
}

void GroupSearch::bar_full(const Partition& partition, const Request& request) {
    if (!request.disk_room) return;
    for (const auto& [id, instances] : *request.disk_room) {
        const IndexedHost* host = index_.entry(id);
        if (instances > 0 || host == nullptr || host->capacity.condition != HostCondition::ok ||
            index_.partition(host->capacity.zone, host->capacity.architecture, host->capacity.pool) !=
                &partition)
            continue;
        if (std::find(barred_.begin(), barred_.end(), host) == barred_.end()) full_.push_back(host);
    }
}

void GroupSearch::add_search(const Partition& partition, const Request& request, HostRule rule) {
    const Demand demand{request.vcpus, request.memory_mib};
    numbers_.push_back(std::max(rule.own, no_partition));
    counts_.push_back(0);
    ++left_;
    rule.disk_room = request.disk_room;
    std::erase_if(rule.first, [&](const IndexedHost* host) { return rule.bars(host->capacity.id); });
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
    while (left_ > 0) {
        // The search with the fewest instances so far, of those the first; one that has run dry has the most
        // of all.
        const auto at =
            static_cast<std::size_t>(std::min_element(counts_.begin(), counts_.end()) - counts_.begin());
        if (const IndexedHost* host = searches_[at].next()) {
            ++counts_[at];
            if (held_) held_->emplace(host->capacity.id, numbers_[at]);
            return Found{host, numbers_[at]};
        }
        counts_[at] = run_dry;
        --left_;
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

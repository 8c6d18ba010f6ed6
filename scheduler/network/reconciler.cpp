#include "scheduler/network/reconciler.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>

#include "db/store/hosts.h"
#include "db/store/vpcs.h"
#include "scheduler/network/diff.h"
#include "scheduler/network/snapshot.h"

namespace lodge::network {
namespace {

constexpr std::int64_t full_look_us = 60'000'000;
constexpr std::int64_t telling_us = 1'000'000;  // between two words about one VPC
constexpr std::int64_t longest_rest_us = 1'000'000;
constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
constexpr auto retry = std::chrono::seconds(1);
constexpr std::string_view cloud_scope = "cloud";

// Every transaction counts, so that the hosts' progress can be told from the count they have reached.
Json counting() {
    return {{"op", "mutate"},
            {"table", "NB_Global"},
            {"where", Json::array()},
            {"mutations", Json::array({Json::array({"nb_cfg", "+=", 1})})}};
}

}  // namespace

std::int64_t global_count(const Replica& replica, const std::string& column) {
    const auto& rows = replica.rows("NB_Global");
    if (rows.empty()) return 0;
    auto value = rows.begin()->second.find(column);
    return value != rows.begin()->second.end() && value->second.is_number_integer()
               ? value->second.get<std::int64_t>()
               : 0;
}

Reconciler::Reconciler(db::Database& database, Northbound& northbound, const Clock& clock, Cloud cloud,
                       Surroundings surroundings)
    : database_(database),
      northbound_(northbound),
      clock_(clock),
      cloud_(std::move(cloud)),
      surroundings_(std::move(surroundings)) {
    northbound_.on_change([this] { changed_all(); });
}

Reconciler::~Reconciler() {
    database_.on_announcement(nullptr);
    northbound_.on_change({});
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Reconciler::start() {
    database_.on_announcement([this](const std::string& id) { changed(id); });
    thread_ = std::thread([this] { loop(); });
}

void Reconciler::changed(const std::string& id) {
    std::lock_guard lock(mutex_);
    dirty_.insert(id);
    wake_.notify_all();
}

void Reconciler::changed_all() {
    std::lock_guard lock(mutex_);
    all_dirty_ = true;
    wake_.notify_all();
}

std::string Reconciler::problem() const {
    auto connection = northbound_.problem();
    std::lock_guard lock(mutex_);
    return connection.empty() ? problem_ : connection;
}

bool Reconciler::is_applied(const VpcId& vpc_id, std::int64_t revision) const {
    std::int64_t wanted = 0;
    {
        std::lock_guard lock(mutex_);
        auto found = written_.find(vpc_id.str());
        if (found == written_.end() || found->second.revision < revision) return false;
        wanted = found->second.configuration;
    }
    auto all = [](const std::string&) { return true; };
    auto followed = northbound_.followed(surroundings_.is_heard ? surroundings_.is_heard : all);
    return followed && *followed >= wanted;
}

void Reconciler::loop() {
    auto look_us = clock_.steady_us() + full_look_us;
    for (;;) {
        const auto begin_us = clock_.steady_us();
        bool well = run_once();
        const auto next_us = std::min(look_us, tell());
        // A VPC of thousands of interfaces that changes all the time takes half of a processor and no more.
        const auto rest_us = std::min(clock_.steady_us() - begin_us, longest_rest_us);
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, std::chrono::microseconds(rest_us), [this] { return stopping_; });
        auto woken = [this] { return stopping_ || all_dirty_ || !dirty_.empty(); };
        if (well) {
            wake_.wait_for(lock, std::chrono::microseconds(next_us - clock_.steady_us()), woken);
            if (clock_.steady_us() >= look_us) {
                all_dirty_ = true;
                look_us += full_look_us;
            }
        } else {
            wake_.wait_for(lock, retry, [this] { return stopping_; });
        }
        if (stopping_) return;
    }
}

std::int64_t Reconciler::tell() {
    const auto now_us = clock_.steady_us();
    std::erase_if(told_us_, [&](const auto& each) { return each.second + telling_us <= now_us; });
    auto next_us = never;
    std::erase_if(untold_, [&](const VpcId& vpc_id) {
        if (auto told = told_us_.find(vpc_id); told != told_us_.end()) {
            next_us = std::min(next_us, told->second + telling_us);
            return false;
        }
        if (surroundings_.written) surroundings_.written(vpc_id);
        told_us_[vpc_id] = now_us;
        return true;
    });
    return next_us;
}

bool Reconciler::run_once() {
    std::set<std::string> dirty;
    bool all = false;
    {
        std::lock_guard lock(mutex_);
        dirty.swap(dirty_);
        std::swap(all, all_dirty_);
    }
    bool well = true;
    if (all) {
        well = reconcile_all();
    } else {
        for (const auto& scope : dirty) well = reconcile(scope) && well;
    }
    if (well) return true;
    std::lock_guard lock(mutex_);
    dirty_.insert(dirty.begin(), dirty.end());
    all_dirty_ = all_dirty_ || all;
    return false;
}

bool Reconciler::reconcile_all() {
    auto vpcs = database_.read(
        [](db::Session& session) -> Result<std::vector<Vpc>> { return db::vpcs::list_all(session); });
    if (!vpcs) return false;
    std::set<std::string> scopes;
    for (const auto& vpc : *vpcs) scopes.insert(vpc.id.str());
    // What is there of VPCs that are gone.
    bool connected = northbound_.read([&](const Replica& replica) {
        for (const auto& scope : replica.scopes())
            if (scope != cloud_scope) scopes.insert(scope);
    });
    if (!connected || !reconcile_cloud()) return false;
    bool well = true;
    for (const auto& scope : scopes) well = reconcile(scope) && well;
    return well;
}

// Every host that is not taken out may carry a gateway; OVN prefers the first that it sees.
bool Reconciler::reconcile_cloud() {
    auto hosts = database_.read(
        [](db::Session& session) -> Result<std::vector<Host>> { return db::hosts::list(session); });
    if (!hosts) return false;
    cloud_.gateway_hosts.clear();
    for (const auto& host : *hosts)
        if (!host.certificate_sha256.empty()) cloud_.gateway_hosts.push_back(host.id.str());
    return write({std::string(cloud_scope), "", 0}, render_cloud(cloud_));
}

bool Reconciler::reconcile(const std::string& scope) {
    if (!VpcId::parse(scope)) return reconcile_cloud();
    auto snapshot = database_.read([&](db::Session& session) -> Result<std::optional<Snapshot>> {
        return load_snapshot(session, VpcId::trusted(scope));
    });
    if (!snapshot) return false;
    if (!*snapshot) return write({scope, "", 0}, {});
    const auto& vpc = (*snapshot)->vpc;
    if (!write({scope, vpc.account_id, vpc.revision}, render(**snapshot, cloud_))) return false;
    untold_.insert(vpc.id);
    return true;
}

bool Reconciler::write(const Scope& scope, const Rows& rows) {
    Json changes;
    if (!northbound_.read([&](const Replica& replica) { changes = operations(replica, scope, rows); }))
        return false;
    if (!changes.empty()) {
        changes.push_back(counting());
        if (auto done = northbound_.transact(changes); !done) {
            spdlog::warn("network of {}: {}", scope.id, done.error().message);
            std::lock_guard lock(mutex_);
            problem_ = scope.id + ": " + done.error().message;
            return false;
        }
    }
    std::int64_t configuration = 0;  // ours, or a later one
    northbound_.read([&](const Replica& replica) { configuration = global_count(replica, "nb_cfg"); });
    std::lock_guard lock(mutex_);
    problem_.clear();
    auto& written = written_[scope.id];
    if (!changes.empty() || written.configuration == 0) written.configuration = configuration;
    written.revision = scope.revision;
    if (rows.empty()) written_.erase(scope.id);
    return true;
}

}  // namespace lodge::network

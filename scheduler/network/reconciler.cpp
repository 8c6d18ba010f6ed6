#include "scheduler/network/reconciler.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "db/store/hosts.h"
#include "db/store/vpcs.h"
#include "scheduler/network/diff.h"
#include "scheduler/network/snapshot.h"

namespace lodge::network {
namespace {

using namespace std::chrono_literals;

constexpr auto full_look = 60s;
constexpr auto retry = 1s;
constexpr auto telling = 1s;  // between two words about one VPC
constexpr auto longest_rest = 1s;
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

Reconciler::Reconciler(db::Database& database, Northbound& northbound, Cloud cloud, Surroundings surroundings)
    : database_(database),
      northbound_(northbound),
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
    using std::chrono::steady_clock;
    auto look = steady_clock::now() + full_look;
    for (;;) {
        const auto begin = steady_clock::now();
        bool well = run_once();
        const auto told_next = tell();
        // A VPC of thousands of interfaces that changes all the time takes half of a processor and no more.
        const auto rest = std::min<steady_clock::duration>(steady_clock::now() - begin, longest_rest);
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, rest, [this] { return stopping_; });
        auto woken = [this] { return stopping_ || all_dirty_ || !dirty_.empty(); };
        if (well) {
            wake_.wait_until(lock, std::min(look, told_next), woken);
            if (steady_clock::now() >= look) {
                all_dirty_ = true;
                look += full_look;
            }
        } else {
            wake_.wait_for(lock, retry, [this] { return stopping_; });
        }
        if (stopping_) return;
    }
}

Reconciler::Time Reconciler::tell() {
    const auto now = std::chrono::steady_clock::now();
    std::erase_if(told_, [&](const auto& each) { return each.second + telling <= now; });
    auto next = Time::max();
    std::erase_if(untold_, [&](const VpcId& vpc_id) {
        if (auto told = told_.find(vpc_id); told != told_.end()) {
            next = std::min(next, told->second + telling);
            return false;
        }
        if (surroundings_.written) surroundings_.written(vpc_id);
        told_[vpc_id] = now;
        return true;
    });
    return next;
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

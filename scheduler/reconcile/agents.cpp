#include "scheduler/reconcile/agents.h"

#include <spdlog/spdlog.h>

#include "db/store/consoles.h"
#include "db/store/guests.h"
#include "db/store/hosts.h"
#include "db/store/instances.h"
#include "db/store/snapshots.h"
#include "db/store/volumes.h"
#include "scheduler/network/attachments.h"
#include "scheduler/network/instance_network.h"
#include "scheduler/reconcile/desired.h"
#include "scheduler/reconcile/events.h"
#include "scheduler/reconcile/guest_change.h"
#include "scheduler/volumes/attachments.h"
#include "scheduler/volumes/snapshots.h"

namespace lodge::scheduler {
namespace {

constexpr std::int64_t longest_poll_ms = 60'000;

Error unknown_host(const HostId& id) {
    return make_error(ErrorCode::not_found, {"there is no host " + id.str()});
}

// What the report says of a running guest's interfaces and disks, unless it is of an older guest or
// generation.
// Whether the host is to hear of what came of it.
bool note_plugged(db::Session& session, const Instance& instance, const Guest& guest,
                  const link::ObservedGuest& seen, UnixMs now_ms) {
    if (guest.id != instance.guest_id || seen.generation < instance.generation ||
        seen.observed != Observed::running)
        return false;
    network::note_plugged(session, instance.id, {seen.interfaces.begin(), seen.interfaces.end()});
    volumes::note_plugged(session, instance.id, seen.disks, now_ms);
    return volumes::note_flat(session, instance.id, seen.disks);
}

}  // namespace

Agents::Agents(db::Database& database, Claims& claims, HostHub& hub, const Clock& clock, const Timing& timing,
               link::ChassisSettings chassis, volumes::KeyRing keys, volumes::FlattenFrom flatten)
    : database_(database),
      claims_(claims),
      hub_(hub),
      clock_(clock),
      timing_(timing),
      chassis_(std::move(chassis)),
      keys_(std::move(keys)),
      flatten_(flatten) {}

Result<link::HelloReply> Agents::hello(const HostId& host_id, const link::HelloRequest& request) {
    // The epoch is compared and the host greeted in one transaction: no fencing comes in between.
    return database_.write([&](db::Session& session) -> Result<link::HelloReply> {
        auto host = db::hosts::find(session, host_id);
        if (!host) return tl::unexpected<Error>(unknown_host(host_id));
        const link::HelloReply reply{host->epoch, timing_.heartbeat_ms, chassis_};
        // Fenced since: it has to end its stale guests first. Before the first fencing there are none.
        if (request.epoch < host->epoch && host->epoch > 1) return reply;
        if (host->storage_pool != request.facts.storage_pool && db::volumes::bytes_on(session, host_id) > 0)
            return fail(ErrorCode::conflict, "the host has volumes in the storage pool '" +
                                                 host->storage_pool + "', and says that it keeps them in '" +
                                                 request.facts.storage_pool + "'");
        if (request.epoch > host->epoch) leftovers_.note_restored(host_id);
        hub_.said_hello(host_id, request.facts.accelerator);
        session.on_rollback([this, host_id] { hub_.take_back_hello(host_id); });
        host->name = request.facts.name;
        host->architecture = request.facts.architecture;
        host->vcpus = request.facts.vcpus;
        host->memory_mib = request.facts.memory_mib;
        host->disk_mib = request.facts.disk_mib;
        host->storage_pool = request.facts.storage_pool;
        db::hosts::update_facts(session, *host);
        const auto* indexed = claims_.index().find(host_id);
        claims_.put_host(session, *host, indexed ? indexed->condition : HostCondition::unreachable);
        note_condition(session, claims_, host_id, hub_.condition(host_id, host->state), clock_.now_ms());
        return reply;
    });
}

link::HeartbeatReply Agents::heartbeat(const HostId& host_id, const link::Heartbeat& heartbeat) {
    bool known = hub_.known(host_id);
    hub_.heard(host_id, &heartbeat);
    return {.hello_wanted = !known};
}

Result<link::PollReply> Agents::look(const HostId& host_id, const std::string& known_version) {
    link::PollReply reply;
    reply.version =
        hub_.version(host_id);  // before the rows: a change in between shows up as a newer version
    reply.console_requests = hub_.console_requests(host_id);
    reply.changed = reply.version != known_version;
    if (!reply.changed) return reply;
    LODGE_CHECK(database_.read([&](db::Session& session) -> Status {
        auto host = db::hosts::find(session, host_id);
        if (!host) return tl::unexpected<Error>(unknown_host(host_id));
        reply.epoch = host->epoch;
        desire(session, host_id, keys_, flatten_, reply);
        return {};
    }));
    return reply;
}

void Agents::poll(const HostId& host_id, const link::PollRequest& request,
                  std::function<void(Result<link::PollReply>)> reply) {
    hub_.heard(host_id, nullptr);
    hub_.wait(host_id, request.known_version, std::min(request.wait_ms, longest_poll_ms),
              [this, host_id, known = request.known_version, reply = std::move(reply)] {
                  reply(look(host_id, known));
              });
}

void Agents::apply(db::Session& session, const HostId& host_id, const link::ObservedGuest& seen) {
    auto guest = db::guests::find(session, seen.guest_id);
    if (!guest || guest->host_id != host_id) return;
    auto row = db::instances::find_any(session, guest->instance_id);
    if (!row) return;
    auto& instance = row->instance;
    auto now_ms = clock_.now_ms();
    const bool is_news = note_plugged(session, instance, *guest, seen, now_ms);
    auto generation = instance.generation;
    Observation observation{seen.generation,  seen.observed, seen.reboots_done,
                            seen.reason_code, seen.reason,   seen.interrupts_done};
    const auto done = change_guest(session, claims_, *row, now_ms, [&](Instance& of, Guest& current) {
        return current.id == seen.guest_id && observe(of, current, observation, now_ms);
    });
    // A guest that is removed leaves its host's list: should its domain or disk come back, it is a leftover.
    if (is_news || done.asks_host || instance.generation != generation ||
        row->guest.observed == Observed::removed)
        session.after_commit([this, host_id] { hub_.changed(host_id); });
}

Result<link::ReportReply> Agents::report(const HostId& host_id, const link::ReportRequest& request) {
    hub_.heard(host_id, nullptr);
    auto done = database_.write([&](db::Session& session) -> Result<link::ReportReply> {
        for (const auto& seen : request.guests) apply(session, host_id, seen);
        for (const auto& id : request.removed_volumes) volumes::note_removed(session, host_id, id);
        if (!request.removed_volumes.empty())
            session.after_commit([this, host_id] { hub_.changed(host_id); });
        for (const auto& console : request.consoles) {
            auto row = db::instances::find_any(session, console.instance_id);
            if (!row || row->instance.host_id != host_id) continue;
            auto tail = std::string_view(console.bytes);
            if (tail.size() > link::console_bytes) tail.remove_prefix(tail.size() - link::console_bytes);
            db::consoles::put(session, console.instance_id, {std::string(tail), clock_.now_ms()});
        }
        return link::ReportReply{};
    });
    if (done)
        for (const auto& console : request.consoles) hub_.console_arrived(console.instance_id);
    return done;
}

Result<Snapshot> Agents::awaited_layer(const HostId& host_id, const SnapshotId& id) {
    return database_.read([&](db::Session& session) -> Result<Snapshot> {
        auto snapshot = db::snapshots::find_any(session, id.str());
        if (snapshot && snapshot->host_id == host_id) return std::move(*snapshot);
        return fail(ErrorCode::not_found, "no layer of " + id.str() + " is wanted of this host");
    });
}

void Agents::note_progress(const HostId& host_id, const SnapshotId& id, std::int64_t per_cent) {
    const Status noted = database_.write([&](db::Session& session) -> Status {
        auto snapshot = db::snapshots::find_any(session, id.str());
        if (!snapshot || snapshot->host_id != host_id || snapshot->progress >= per_cent) return {};
        snapshot->progress = per_cent;
        db::snapshots::update(session, *snapshot);
        return {};
    });
    if (!noted) spdlog::warn("snapshot {}: {}", id.str(), noted.error().message);
}

Result<link::LayerReply> Agents::layer(const HostId& host_id, const link::LayerRequest& request) {
    hub_.heard(host_id, nullptr);
    return database_.write([&](db::Session& session) -> Result<link::LayerReply> {
        LODGE_CHECK(
            volumes::note_layer(session, host_id, request.snapshot_id, request.content, clock_.now_ms()));
        session.after_commit([this, host_id] { hub_.changed(host_id); });
        return link::LayerReply{};
    });
}

Result<link::LeftoversReply> Agents::leftovers(const HostId& host_id, const link::LeftoversRequest& request) {
    return database_.read([&](db::Session& session) -> Result<link::LeftoversReply> {
        return leftovers_.judge(session, host_id, request);
    });
}

}  // namespace lodge::scheduler

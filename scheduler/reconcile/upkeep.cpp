#include "scheduler/reconcile/upkeep.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>

#include "db/store/capacity_reservations.h"
#include "db/store/client_tokens.h"
#include "db/store/dedicated_hosts.h"
#include "db/store/events.h"
#include "db/store/fleets.h"
#include "db/store/hosts.h"
#include "db/store/instances.h"
#include "scheduler/apply/reservations.h"
#include "scheduler/reconcile/events.h"

namespace lodge::scheduler {
namespace {

constexpr std::int64_t batch = 500;
constexpr std::int64_t deadlines_period_ms = 5'000;
constexpr std::int64_t forgetting_period_ms = 60'000;
constexpr std::int64_t calendar_step_ms = 5'000;  // more than that between two ticks: somebody set the date

}  // namespace

Upkeep::Upkeep(db::Database& database, Claims& claims, HostHub& hub, const Clock& clock, const Timing& timing,
               network::Applied applied)
    : database_(database),
      claims_(claims),
      hub_(hub),
      clock_(clock),
      timing_(timing),
      applied_(std::move(applied)),
      calendar_ahead_ms_(clock.now_ms() - clock.steady_ms()),
      calendar_since_ms_(clock.steady_ms()),
      parts_{{"leases", 0, &Upkeep::check_leases},
             {"deadlines", deadlines_period_ms, &Upkeep::check_deadlines},
             {"capacity reservations' hosts", deadlines_period_ms, &Upkeep::rehome_reservations},
             {"capacity reservations", 0, &Upkeep::expire_reservations},
             {"networks", 0, &Upkeep::settle_networks},
             {"ended instances", 0, &Upkeep::forget_ended},
             {"old records", forgetting_period_ms, &Upkeep::forget_old}} {}

void Upkeep::tick() {
    hub_.tick();
    watch_calendar();
    for (auto& part : parts_) {
        if (clock_.steady_ms() < part.next_ms) continue;
        part.next_ms = clock_.steady_ms() + part.period_ms;
        if (const Status done = (this->*part.run)(); !done)
            spdlog::error("{}: {}", part.name, done.error().message);
    }
}

std::vector<std::string_view> Upkeep::part_names() const {
    std::vector<std::string_view> names;
    for (const auto& part : parts_) names.push_back(part.name);
    return names;
}

Status Upkeep::run(std::string_view name) {
    const auto part =
        std::find_if(parts_.begin(), parts_.end(), [&](const Part& each) { return each.name == name; });
    return (this->*part->run)();
}

void Upkeep::watch_calendar() {
    auto ahead = clock_.now_ms() - clock_.steady_ms();
    if (std::abs(ahead - calendar_ahead_ms_) > calendar_step_ms) calendar_since_ms_ = clock_.steady_ms();
    calendar_ahead_ms_ = ahead;
}

Status Upkeep::check_leases() {
    LODGE_TRY(const auto hosts, database_.read([&](db::Session& session) -> Result<std::vector<Host>> {
        return db::hosts::list(session);
    }));
    // Compared with what the index holds, which others change too. It belongs to the writer; a transaction
    // that changes no row costs no commit.
    return database_.write([&](db::Session& session) -> Status {
        for (const auto& host : hosts) {
            const auto* indexed = claims_.index().find(host.id);
            if (!indexed || indexed->condition == hub_.condition(host.id, host.state)) continue;
            auto row = db::hosts::find(session, host.id);  // as it is now
            if (row)
                note_condition(session, claims_, host.id, hub_.condition(host.id, row->state),
                               clock_.now_ms());
        }
        return {};
    });
}

std::optional<std::string> Upkeep::expire_one(db::instances::WithGuest& row) const {
    auto well_ms = std::min(hub_.well_ms(row.guest.host_id), clock_.steady_ms() - calendar_since_ms_);
    return expire(row.instance, row.guest, timing_.deadlines, clock_.now_ms(), well_ms);
}

Status Upkeep::check_deadlines() {
    const auto& d = timing_.deadlines;
    auto shortest = std::min({d.pending_ms, d.stopping_ms, d.shutting_down_ms});
    LODGE_TRY(auto late,
              database_.read([&](db::Session& session) -> Result<std::vector<db::instances::WithGuest>> {
                  return db::instances::in_transition(session, clock_.now_ms() - shortest);
              }));
    std::erase_if(late, [&](auto row) { return !expire_one(row); });
    if (late.empty()) return {};
    if (late.size() > batch) late.resize(batch);
    return database_.write([&](db::Session& session) -> Status {
        for (const auto& each : late) {
            auto row = db::instances::find_any(session, each.instance.id);  // as it is now
            if (!row) continue;
            auto before = visible_state(row->instance.desired, row->guest.observed);
            auto generation = row->instance.generation;
            auto sentence = expire_one(*row);
            if (!sentence) continue;
            db::instances::update(session, row->instance);
            record(session, clock_.now_ms(), row->instance.account_id, row->instance.id.str(), "deadline",
                   *sentence);
            record_transition(session, row->instance, before,
                              visible_state(row->instance.desired, row->guest.observed), clock_.now_ms());
            if (row->instance.generation != generation)
                session.after_commit([this, host = row->guest.host_id] { hub_.changed(host); });
        }
        return {};
    });
}

Status Upkeep::expire_reservations() {
    LODGE_TRY(const auto due,
              database_.read([&](db::Session& session) -> Result<std::vector<CapacityReservation>> {
                  return db::capacity_reservations::due(session, clock_.now_ms());
              }));
    if (due.empty()) return {};
    return database_.write([&](db::Session& session) -> Status {
        for (const auto& each :
             db::capacity_reservations::due(session, clock_.now_ms())) {  // as they are now
            end(session, claims_, each, CapacityReservationState::expired, clock_.now_ms());
            record(session, clock_.now_ms(), each.account_id, each.id.str(), "reservation", "expired");
        }
        return {};
    });
}

Status Upkeep::rehome_reservations() {
    LODGE_TRY(const auto active,
              database_.read([&](db::Session& session) -> Result<std::vector<CapacityReservation>> {
                  return db::capacity_reservations::all_active(session);
              }));
    if (active.empty()) return {};
    return database_.write([&](db::Session& session) -> Status {
        for (const auto& each : db::capacity_reservations::all_active(session))  // as they are now
            rehome(session, claims_, each, [&](const HostId& id) { return hub_.settling(id); });
        return {};
    });
}

Status Upkeep::settle_networks() {
    return database_.write([&](db::Session& session) -> Status {
        network::settle(session, clock_.now_ms(), applied_);
        return {};
    });
}

Status Upkeep::forget_ended() {
    LODGE_TRY(const auto ended, database_.read([&](db::Session& session) -> Result<std::vector<InstanceId>> {
        return db::instances::ended_before(session, clock_.now_ms() - timing_.keep_terminated_ms, batch);
    }));
    if (ended.empty()) return {};
    return database_.write([&](db::Session& session) -> Status {
        for (const auto& id : ended) db::instances::erase(session, id);
        return {};
    });
}

Status Upkeep::forget_old() {
    return database_.write([&](db::Session& session) -> Status {
        db::client_tokens::erase_old(session, clock_.now_ms() - timing_.keep_client_tokens_ms);
        // As long as their tokens could ask for them again.
        db::fleets::erase_deleted(session, clock_.now_ms() - timing_.keep_client_tokens_ms);
        db::capacity_reservations::erase_ended(session, clock_.now_ms() - timing_.keep_client_tokens_ms);
        db::dedicated_hosts::erase_released(session, clock_.now_ms() - timing_.keep_client_tokens_ms);
        db::events::erase_old(session, clock_.now_ms() - timing_.keep_events_ms);
        return {};
    });
}

}  // namespace lodge::scheduler

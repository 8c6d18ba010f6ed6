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

void log_failure(const Status& status, std::string_view what) {
    if (!status) spdlog::error("{}: {}", what, status.error().message);
}

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
      calendar_since_ms_(clock.steady_ms()) {}

void Upkeep::tick() {
    hub_.tick();
    watch_calendar();
    check_leases();
    if (clock_.steady_ms() >= next_deadlines_ms_) {
        next_deadlines_ms_ = clock_.steady_ms() + deadlines_period_ms;
        check_deadlines();
        rehome_reservations();
    }
    expire_reservations();
    settle_networks();
    forget_ended();
    if (clock_.steady_ms() < next_forgetting_ms_) return;
    next_forgetting_ms_ = clock_.steady_ms() + forgetting_period_ms;
    forget_old();
}

void Upkeep::watch_calendar() {
    auto ahead = clock_.now_ms() - clock_.steady_ms();
    if (std::abs(ahead - calendar_ahead_ms_) > calendar_step_ms) calendar_since_ms_ = clock_.steady_ms();
    calendar_ahead_ms_ = ahead;
}

void Upkeep::check_leases() {
    auto hosts = database_.read(
        [&](db::Session& session) -> Result<std::vector<Host>> { return db::hosts::list(session); });
    if (!hosts) return;
    // Compared with what the index holds, which others change too. It belongs to the writer; a transaction
    // that changes no row costs no commit.
    log_failure(database_.write([&](db::Session& session) -> Status {
        for (const auto& host : *hosts) {
            const auto* indexed = claims_.index().find(host.id);
            if (!indexed || indexed->condition == hub_.condition(host.id, host.state)) continue;
            auto row = db::hosts::find(session, host.id);  // as it is now
            if (row)
                note_condition(session, claims_, host.id, hub_.condition(host.id, row->state),
                               clock_.now_ms());
        }
        return {};
    }),
                "leases");
}

std::optional<std::string> Upkeep::expire_one(db::instances::WithGuest& row) const {
    auto well_ms = std::min(hub_.well_ms(row.guest.host_id), clock_.steady_ms() - calendar_since_ms_);
    return expire(row.instance, row.guest, timing_.deadlines, clock_.now_ms(), well_ms);
}

void Upkeep::check_deadlines() {
    const auto& d = timing_.deadlines;
    auto shortest = std::min({d.pending_ms, d.stopping_ms, d.shutting_down_ms});
    auto late = database_.read([&](db::Session& session) -> Result<std::vector<db::instances::WithGuest>> {
        return db::instances::in_transition(session, clock_.now_ms() - shortest);
    });
    if (!late) return;
    std::erase_if(*late, [&](auto row) { return !expire_one(row); });
    if (late->empty()) return;
    if (late->size() > batch) late->resize(batch);
    log_failure(database_.write([&](db::Session& session) -> Status {
        for (const auto& each : *late) {
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
    }),
                "deadlines");
}

void Upkeep::expire_reservations() {
    auto due = database_.read([&](db::Session& session) -> Result<std::vector<CapacityReservation>> {
        return db::capacity_reservations::due(session, clock_.now_ms());
    });
    if (!due || due->empty()) return;
    log_failure(database_.write([&](db::Session& session) -> Status {
        for (const auto& each :
             db::capacity_reservations::due(session, clock_.now_ms())) {  // as they are now
            end(session, claims_, each, CapacityReservationState::expired, clock_.now_ms());
            record(session, clock_.now_ms(), each.account_id, each.id.str(), "reservation", "expired");
        }
        return {};
    }),
                "capacity reservations");
}

void Upkeep::rehome_reservations() {
    auto active = database_.read([&](db::Session& session) -> Result<std::vector<CapacityReservation>> {
        return db::capacity_reservations::all_active(session);
    });
    if (!active || active->empty()) return;
    log_failure(database_.write([&](db::Session& session) -> Status {
        for (const auto& each : db::capacity_reservations::all_active(session))  // as they are now
            rehome(session, claims_, each, [&](const HostId& id) { return hub_.settling(id); });
        return {};
    }),
                "capacity reservations' hosts");
}

void Upkeep::settle_networks() {
    log_failure(database_.write([&](db::Session& session) -> Status {
        network::settle(session, clock_.now_ms(), applied_);
        return {};
    }),
                "networks");
}

void Upkeep::forget_ended() {
    auto ended = database_.read([&](db::Session& session) -> Result<std::vector<InstanceId>> {
        return db::instances::ended_before(session, clock_.now_ms() - timing_.keep_terminated_ms, batch);
    });
    if (!ended || ended->empty()) return;
    log_failure(database_.write([&](db::Session& session) -> Status {
        for (const auto& id : *ended) db::instances::erase(session, id);
        return {};
    }),
                "ended instances");
}

void Upkeep::forget_old() {
    log_failure(database_.write([&](db::Session& session) -> Status {
        db::client_tokens::erase_old(session, clock_.now_ms() - timing_.keep_client_tokens_ms);
        // As long as their tokens could ask for them again.
        db::fleets::erase_deleted(session, clock_.now_ms() - timing_.keep_client_tokens_ms);
        db::capacity_reservations::erase_ended(session, clock_.now_ms() - timing_.keep_client_tokens_ms);
        db::dedicated_hosts::erase_released(session, clock_.now_ms() - timing_.keep_client_tokens_ms);
        db::events::erase_old(session, clock_.now_ms() - timing_.keep_events_ms);
        return {};
    }),
                "old records");
}

}  // namespace lodge::scheduler

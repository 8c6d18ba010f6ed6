#include "scheduler/reconcile/upkeep.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "db/store/client_tokens.h"
#include "db/store/events.h"
#include "db/store/hosts.h"
#include "db/store/instances.h"
#include "scheduler/reconcile/events.h"

namespace lodge::scheduler {
namespace {

constexpr std::int64_t batch = 500;
constexpr std::int64_t forgetting_period_ms = 60'000;

std::string_view condition_text(HostCondition condition) {
    switch (condition) {
        case HostCondition::ok:
            return "ready";
        case HostCondition::draining:
            return "draining: it takes no new guests";
        case HostCondition::unreachable:
            return "unreachable: its agent is not heard; its guests may well run";
        case HostCondition::hypervisor_down:
            break;
    }
    return "not schedulable: its hypervisor does not answer";
}

void log_failure(const Status& status, std::string_view what) {
    if (!status) spdlog::error("{}: {}", what, status.error().message);
}

}  // namespace

Upkeep::Upkeep(db::Database& database, Claims& claims, HostHub& hub, const Clock& clock, const Timing& timing)
    : database_(database), claims_(claims), hub_(hub), clock_(clock), timing_(timing) {}

void Upkeep::tick() {
    hub_.tick();
    check_leases();
    check_deadlines();
    forget_ended();
    if (clock_.steady_ms() < next_forgetting_ms_) return;
    next_forgetting_ms_ = clock_.steady_ms() + forgetting_period_ms;
    forget_old();
}

void Upkeep::check_leases() {
    // Compared with what the index holds, which others change too. It belongs to the writer; a transaction
    // that changes no row costs no commit.
    log_failure(database_.write([&](db::Session& session) -> Status {
        for (const auto& host : db::hosts::list(session)) {
            auto now = hub_.condition(host.id, host.state);
            const auto* indexed = claims_.index().find(host.id);
            if (!indexed || indexed->condition == now) continue;
            claims_.set_condition(host.id, now);
            record(session, clock_.now_ms(), "", host.id.str(), "condition", condition_text(now));
            spdlog::info("host {} is {}", host.id.str(), condition_text(now));
        }
        return {};
    }),
                "leases");
}

void Upkeep::check_deadlines() {
    const auto& d = timing_.deadlines;
    auto shortest = std::min({d.pending_ms, d.stopping_ms, d.shutting_down_ms});
    auto late = database_.read([&](db::Session& session) -> Result<std::vector<db::instances::WithGuest>> {
        return db::instances::in_transition(session, clock_.now_ms() - shortest);
    });
    if (!late || late->empty()) return;
    log_failure(database_.write([&](db::Session& session) -> Status {
        for (const auto& each : *late) {
            auto row = db::instances::find_any(session, each.instance.id);  // as it is now
            if (!row) continue;
            auto before = visible_state(row->instance.desired, row->guest.observed);
            auto generation = row->instance.generation;
            auto sentence = expire(row->instance, row->guest, d, clock_.now_ms());
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
        db::events::erase_old(session, clock_.now_ms() - timing_.keep_events_ms);
        return {};
    }),
                "old records");
}

}  // namespace lodge::scheduler

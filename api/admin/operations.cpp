#include "api/admin/operations.h"

#include <algorithm>
#include <filesystem>
#include <regex>

#include "db/store/events.h"
#include "db/store/hosts.h"
#include "db/store/instances.h"
#include "proto/base/encoding.h"
#include "scheduler/lifecycle/lifecycle.h"
#include "scheduler/placement/place.h"

namespace lodge::api::admin {
namespace {

constexpr std::int64_t shown_events = 200;
constexpr std::int64_t shown_instances = 10'000;
constexpr std::int64_t most_placed = 10'000;  // as RunInstances

// Which hosts there are is the operator's to know.
std::string without_hosts(const std::string& message) {
    static const std::regex host_id("\\bh-[0-9a-f]{17}\\b");
    return std::regex_replace(message, host_id, "a host");
}

std::int64_t room_for(const catalogue::InstanceType& type,
                      const std::vector<const scheduler::HostCapacity*>& hosts) {
    std::int64_t count = 0;
    for (const auto* host : hosts) {
        const auto& fitting = type.architectures;
        if (std::find(fitting.begin(), fitting.end(), host->architecture) == fitting.end()) continue;
        const auto fits = std::min(host->free_vcpus / type.vcpus, host->free_memory_mib / type.memory_mib);
        count += std::max<std::int64_t>(fits, 0);
    }
    return count;
}

}  // namespace

Result<std::string> text(const Json& body, const char* name) {
    auto found = body.find(name);
    if (found == body.end() || !found->is_string())
        return fail(ErrorCode::invalid_input, std::string(name) + " is missing");
    return found->get<std::string>();
}

std::string text_or(const Json& body, const char* name, std::string otherwise) {
    auto found = body.find(name);
    return found != body.end() && found->is_string() ? found->get<std::string>() : otherwise;
}

std::int64_t number_or(const Json& body, const char* name, std::int64_t otherwise) {
    auto found = body.find(name);
    return found != body.end() && found->is_number_integer() ? found->get<std::int64_t>() : otherwise;
}

bool flag_or(const Json& body, const char* name, bool otherwise) {
    auto found = body.find(name);
    return found != body.end() && found->is_boolean() ? found->get<bool>() : otherwise;
}

Result<Json> info(const Call& call) {
    Json zones = Json::array();
    for (const auto& zone : call.services.settings.zones)
        zones.push_back({{"name", zone.name}, {"region", zone.region}, {"id", zone.id}});
    return Json{{"version", "0.1.0"},
                {"state_dir", call.facts.state_dir.string()},
                {"image_dir", call.facts.image_dir.string()},
                {"endpoint", call.services.settings.endpoint},
                {"agent_endpoint", call.facts.agent_endpoint},
                {"default_region", call.services.settings.default_region},
                {"zones", zones},
                {"network_problem", call.facts.network_problem()},
                {"identity_certificate", call.facts.identity_certificate},
                {"ca_sha256", call.facts.ca_sha256}};
}

Result<Json> who(const Call& call) {
    return Json{{"account_id", call.caller},
                {"operator", call.account == nullptr},
                {"default_region", call.services.settings.default_region}};
}

// How many more of each type there is room for, on hosts that take new guests.
Result<Json> capacity(const Call& call) {
    LODGE_TRY(const auto hosts, call.services.database.read([](db::Session& session) {
        return Result<std::vector<Host>>(db::hosts::list(session));
    }));
    // The index belongs to the writer.
    return call.services.database.write([&](db::Session&) -> Result<Json> {
        std::vector<const scheduler::HostCapacity*> open;
        for (const auto& host : hosts)
            if (const auto* found = call.services.claims.index().find(host.id);
                found && found->condition == scheduler::HostCondition::ok && found->pool.empty())
                open.push_back(found);
        Json types = Json::array();
        for (const auto& type : call.services.catalogue.all())
            types.push_back({{"type", type.name},
                             {"vcpus", type.vcpus},
                             {"memory_mib", type.memory_mib},
                             {"room_for", room_for(type, open)}});
        return Json{{"hosts", open.size()}, {"types", types}};
    });
}

Result<Json> list_instances(const Call& call) {
    return call.services.database.read([&](db::Session& session) -> Result<Json> {
        Json all = Json::array();
        for (const auto& [instance, guest] : db::instances::list_all(session, shown_instances)) {
            all.push_back(
                {{"id", instance.id.str()},
                 {"account_id", instance.account_id},
                 {"region", instance.region},
                 {"type", instance.instance_type},
                 {"state", std::string(to_text(scheduler::visible_state(instance.desired, guest.observed)))},
                 {"desired", std::string(to_text(instance.desired))},
                 {"observed", std::string(to_text(guest.observed))},
                 {"host_id", instance.host_id.str()},
                 {"guest_id", guest.id.str()},
                 {"image_id", instance.image_id.str()},
                 {"launched", format_time(instance.launched_ms)}});
        }
        return Json{{"instances", all}};
    });
}

// An account sees those of its own instances.
Result<Json> list_events(const Call& call) {
    return call.services.database.read([&](db::Session& session) -> Result<Json> {
        if (call.account) {
            const auto id = InstanceId::parse(call.id);
            const auto found = id ? db::instances::find_any(session, *id) : std::nullopt;
            if (!found || found->instance.account_id != *call.account)
                return fail(ErrorCode::not_found, "there is no instance " + call.id);
        }
        Json all = Json::array();
        for (const auto& event : db::events::latest_of(session, call.id, shown_events))
            all.push_back({{"at", format_time(event.at_ms)},
                           {"kind", event.kind},
                           {"message", call.account ? without_hosts(event.message) : event.message}});
        return Json{{"events", all}};
    });
}

Result<Json> backup(const Call& call) {
    LODGE_TRY(auto path, text(call.body, "path"));
    if (!std::filesystem::path(path).is_absolute())
        return fail(ErrorCode::invalid_input, "the path is not absolute");
    LODGE_CHECK(call.services.database.backup(path));
    std::error_code error;
    return Json{{"path", path}, {"size_bytes", std::filesystem::file_size(path, error)}};
}

Result<Json> explain_placement(const Call& call) {
    LODGE_TRY(auto name, text(call.body, "instance_type"));
    const auto* type = call.services.catalogue.find(name);
    if (!type) return fail(ErrorCode::not_found, "there is no instance type " + name);
    scheduler::Request request;
    request.vcpus = type->vcpus;
    request.memory_mib = type->memory_mib;
    request.architecture = type->architectures.front();
    request.min_count = request.max_count = number_or(call.body, "count", 1);
    if (request.min_count < 1 || request.min_count > most_placed)
        return fail(ErrorCode::invalid_input, "count is 1 to " + std::to_string(most_placed));
    request.strategy = call.services.settings.strategy;
    request.zone = text_or(call.body, "zone", "");
    auto region = text_or(call.body, "region", call.services.settings.default_region);
    for (const auto& zone : call.services.settings.zones_of(region)) request.zones.push_back(zone.name);
    // The index belongs to the writer; a transaction that writes nothing costs no commit.
    return call.services.database.write([&](db::Session&) -> Result<Json> {
        auto plan = scheduler::place(call.services.claims.index(), request);
        Json hosts = Json::array();
        if (!plan)
            return Json{
                {"placeable", false}, {"sentence", scheduler::sentence(plan.error())}, {"hosts", hosts}};
        if (!call.account)
            for (const auto& host : plan->hosts) hosts.push_back(host.str());
        auto sentence =
            std::to_string(plan->hosts.size()) + " x " + name + " can be placed in " + plan->zone + ".";
        return Json{{"placeable", true}, {"sentence", sentence}, {"hosts", hosts}};
    });
}

}  // namespace lodge::api::admin

// DescribeInstanceStatus: checks computed from what is known of the host and the guest.
#include "api/actions/instance_view.h"
#include "api/describe/engine.h"
#include "db/store/hosts.h"
#include "proto/ec2/instances.h"

namespace lodge::api {
namespace {

struct StatusRecord {
    InstanceRecord instance;
    std::string system;     // "ok", "impaired", "insufficient-data", "not-applicable"
    std::string reachable;  // "passed", "failed", "insufficient-data"; empty where a check does not apply
    std::optional<UnixMs> impaired_since_ms;
};

StatusRecord status_of(const RequestContext& context, InstanceRecord instance) {
    StatusRecord out;
    bool running = instance.state() == InstanceState::running;
    bool healthy = context.services.hub.serves(instance.instance.host_id);
    out.instance = std::move(instance);
    out.system = !running ? "not-applicable" : healthy ? "ok" : "impaired";
    if (!running) return out;
    if (context.services.hub.settling(out.instance.instance.host_id)) {
        out.system = out.reachable = "insufficient-data";
        return out;
    }
    out.reachable = healthy ? "passed" : "failed";
    if (healthy) return out;
    auto seen = context.services.hub.liveness(out.instance.instance.host_id);
    if (seen.heard)
        out.impaired_since_ms =
            context.now_ms() - (context.services.clock.steady_ms() - seen.last_heard_steady_ms);
    return out;
}

ec2::InstanceStatusSummary summary(const StatusRecord& record) {
    ec2::InstanceStatusSummary out;
    out.status = record.system;
    if (!record.reachable.empty())
        out.details.push_back({"reachability", record.reachable, record.impaired_since_ms});
    return out;
}

ec2::InstanceStatus shown(const StatusRecord& record) {
    ec2::InstanceStatus out;
    out.instance_id = record.instance.instance.id.str();
    out.availability_zone = record.instance.instance.zone;
    out.instance_state = to_ec2(record.instance.state());
    out.system_status = summary(record);
    out.instance_status = summary(record);
    return out;
}

template <class F>
describe::FilterField<StatusRecord> text(std::string_view name, F value) {
    return {name, [value](const StatusRecord& record, describe::Values& out) {
                std::string found(value(record));
                if (!found.empty()) out.push_back(std::move(found));
            }};
}

const describe::FilterTable<StatusRecord>& status_filters() {
    static const describe::FilterTable<StatusRecord> table = {
        text("availability-zone", [](const auto& r) { return r.instance.instance.zone; }),
        text("instance-state-code",
             [](const auto& r) { return std::to_string(static_cast<int>(r.instance.state())); }),
        text("instance-state-name", [](const auto& r) { return std::string(to_text(r.instance.state())); }),
        text("instance-status.reachability", [](const auto& r) { return r.reachable; }),
        text("instance-status.status", [](const auto& r) { return r.system; }),
        text("system-status.reachability", [](const auto& r) { return r.reachable; }),
        text("system-status.status", [](const auto& r) { return r.system; }),
        // Maintenance events, service operators and Outposts there are none.
        text("event.code", [](const auto&) { return ""; }),
        text("event.description", [](const auto&) { return ""; }),
        text("event.instance-event-id", [](const auto&) { return ""; }),
        text("event.not-after", [](const auto&) { return ""; }),
        text("event.not-before", [](const auto&) { return ""; }),
        text("event.not-before-deadline", [](const auto&) { return ""; }),
        text("attached-ebs-status.status", [](const auto&) { return ""; }),
        text("operator.managed", [](const auto&) { return ""; }),
        text("operator.principal", [](const auto&) { return ""; }),
    };
    return table;
}

const std::vector<Tag>& tags_of(const StatusRecord& record) {
    return record.instance.tags;
}

bool well_formed(std::string_view id) {
    return InstanceId::parse(id).has_value();
}

// Instances come in the order (reservation, ID).
std::string sort_key(const StatusRecord& record) {
    return record.instance.instance.reservation_id.str() + "/" + record.instance.instance.id.str();
}

}  // namespace

Result<ec2::DescribeInstanceStatusResponse> describe_instance_status(
    RequestContext& context, const ec2::DescribeInstanceStatusRequest& request) {
    describe::Resource<StatusRecord> resource{
        well_formed,
        ErrorCode::invalid_instance_id_malformed,
        ErrorCode::invalid_instance_id_not_found,
        status_filters(),
        tags_of,
        sort_key,
        [&](db::Session& session, const std::string& id) -> std::optional<StatusRecord> {
            auto row = db::instances::find(session, context.account_id, context.region, id);
            if (!row) return std::nullopt;
            return status_of(context, load_one(session, std::move(*row)));
        },
        [&](db::Session& session, const std::string& after, std::int64_t limit) {
            std::vector<StatusRecord> records;
            for (auto& record :
                 load_tags(session, db::instances::list(session, context.account_id, context.region,
                                                        position(after), limit)))
                records.push_back(status_of(context, std::move(record)));
            return records;
        }};
    bool all = request.include_all_instances.value_or(false);
    if (!all)
        resource.wanted = [](const StatusRecord& record) {
            return record.instance.state() == InstanceState::running;
        };
    LODGE_TRY(auto page,
              describe::describe(
                  context, {request.instance_id, request.filter, request.max_results, request.next_token},
                  resource));
    ec2::DescribeInstanceStatusResponse response;
    for (const auto& record : page.records) response.instance_statuses.push_back(shown(record));
    response.next_token = page.next_token;
    return response;
}

}  // namespace lodge::api

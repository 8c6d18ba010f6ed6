// DescribeInstanceCreditSpecifications, ModifyInstanceCreditSpecification, MonitorInstances,
// UnmonitorInstances, ModifyInstanceMaintenanceOptions, SendDiagnosticInterrupt.
#include "proto/ec2/instance_options.h"

#include "api/actions/cpu_credits.h"
#include "api/actions/instance_view.h"
#include "api/describe/engine.h"
#include "scheduler/lifecycle/lifecycle.h"
#include "scheduler/reconcile/events.h"

namespace lodge::api {
namespace {

using db::instances::WithGuest;

// --- CPU credits

const describe::FilterTable<InstanceRecord>& credit_filters() {
    static const describe::FilterTable<InstanceRecord> table = {
        {"instance-id", [](const InstanceRecord& record, describe::Values& out) {
             out.push_back(record.instance.id.str());
         }}};
    return table;
}

std::vector<InstanceRecord> without_details(std::vector<WithGuest> rows) {
    std::vector<InstanceRecord> records;
    for (auto& row : rows) records.push_back({std::move(row.instance), std::move(row.guest), {}, {}});
    return records;
}

describe::Resource<InstanceRecord> credit_resource(const RequestContext& context) {
    return {[](std::string_view id) { return InstanceId::parse(id).has_value(); },
            ErrorCode::invalid_instance_id_malformed,
            ErrorCode::invalid_instance_id_not_found,
            credit_filters(),
            nullptr,
            page_key,
            [&context](db::Session& session, const std::string& id) -> std::optional<InstanceRecord> {
                auto row = db::instances::find(session, context.account_id, context.region, id);
                if (!row) return std::nullopt;
                return InstanceRecord{std::move(row->instance), std::move(row->guest), {}, {}};
            },
            [&context](db::Session& session, const std::string& after, std::int64_t limit) {
                return without_details(
                    db::instances::list(session, context.account_id, context.region, position(after), limit));
            }};
}

// Who names an instance is told when it has no credits; else those are shown that burst without limit.
Status check_named(RequestContext& context, const std::vector<std::string>& ids) {
    return context.read([&](db::Session& session) -> Status {
        LODGE_TRY(auto rows, find_instances(session, context, ids));
        for (const auto& row : rows)
            if (credits_of(context.services.catalogue, row.instance).empty())
                return fail(ErrorCode::instance_credits_not_supported, row.instance.id.str());
        return {};
    });
}

using CreditItem = ec2::InstanceCreditSpecificationRequest;

Status check_items(const std::vector<CreditItem>& items) {
    for (std::size_t i = 0; i < items.size(); ++i) {
        auto name = "InstanceCreditSpecification." + std::to_string(i + 1);
        if (!items[i].instance_id) return fail(ErrorCode::missing_parameter, name + ".InstanceId");
        if (!items[i].cpu_credits) return fail(ErrorCode::missing_parameter, name + ".CpuCredits");
    }
    return {};
}

// The instance, if its credits can be set.
Result<Instance> find_burstable(db::Session& session, const RequestContext& context, const std::string& id) {
    LODGE_TRY(auto rows, find_instances(session, context, {id}));
    auto& row = rows.front();
    auto state = state_of(row);
    if (state != InstanceState::running && state != InstanceState::stopped)
        return fail(ErrorCode::incorrect_instance_state,
                    "The instance '" + id + "' is neither running nor stopped.");
    const auto* type = context.services.catalogue.find(row.instance.instance_type);
    if (!type || !type->burstable) return fail(ErrorCode::instance_credits_not_supported, id);
    return std::move(row.instance);
}

ec2::UnsuccessfulCreditSpecification unsuccessful(const std::string& id, const Error& error) {
    return {id, ec2::CreditSpecificationError{std::string(wire_code(error.code)), error.message}};
}

// --- Monitoring

Status check_not_terminated(const WithGuest& row) {
    if (state_of(row) != InstanceState::terminated) return {};
    return fail(ErrorCode::incorrect_instance_state,
                "The instance '" + row.instance.id.str() + "' is terminated.");
}

// EC2 names the change, not its end, to who asks for it.
Result<std::vector<ec2::InstanceMonitoring>> set_monitoring(RequestContext& context,
                                                            const std::vector<std::string>& ids,
                                                            bool wanted) {
    return context.write([&](db::Session& session) -> Result<std::vector<ec2::InstanceMonitoring>> {
        LODGE_TRY(auto rows, find_instances(session, context, ids));
        std::vector<ec2::InstanceMonitoring> out;
        for (auto& row : rows) {
            LODGE_CHECK(check_not_terminated(row));
            bool changes = row.instance.detailed_monitoring != wanted;
            row.instance.detailed_monitoring = wanted;
            if (changes) db::instances::update_attributes(session, row.instance);
            const char* state =
                wanted ? (changes ? "pending" : "enabled") : (changes ? "disabling" : "disabled");
            out.push_back({row.instance.id.str(), ec2::Monitoring{state}});
        }
        return out;
    });
}

}  // namespace

Result<ec2::DescribeInstanceCreditSpecificationsResponse> describe_instance_credit_specifications(
    RequestContext& context, const ec2::DescribeInstanceCreditSpecificationsRequest& request) {
    const auto& catalogue = context.services.catalogue;
    auto resource = credit_resource(context);
    bool named = !request.instance_id.empty();
    if (named) LODGE_CHECK(check_named(context, request.instance_id));
    resource.wanted = [&](const InstanceRecord& record) {
        return named || credits_of(catalogue, record.instance) == "unlimited";
    };
    LODGE_TRY(auto page,
              describe::describe(
                  context, {request.instance_id, request.filter, request.max_results, request.next_token},
                  resource));
    ec2::DescribeInstanceCreditSpecificationsResponse out;
    for (const auto& record : page.records)
        out.instance_credit_specifications.push_back(
            {record.instance.id.str(), credits_of(catalogue, record.instance)});
    out.next_token = page.next_token;
    return out;
}

Result<ec2::ModifyInstanceCreditSpecificationResponse> modify_instance_credit_specification(
    RequestContext& context, const ec2::ModifyInstanceCreditSpecificationRequest& request) {
    const auto& items = request.instance_credit_specification;
    LODGE_CHECK(check_items(items));
    return context.write([&](db::Session& session) -> Result<ec2::ModifyInstanceCreditSpecificationResponse> {
        LODGE_TRY(auto earlier, replay(session, context, request.client_token));
        ec2::ModifyInstanceCreditSpecificationResponse out;
        for (const auto& item : items) {
            auto instance = find_burstable(session, context, *item.instance_id);
            if (!instance) {
                out.unsuccessful.push_back(unsuccessful(*item.instance_id, instance.error()));
                continue;
            }
            out.successful.push_back({*item.instance_id});
            instance->cpu_credits = *item.cpu_credits;
            if (!earlier) db::instances::update_attributes(session, *instance);
        }
        if (!earlier) remember(session, context, request.client_token, "done");
        return out;
    });
}

Result<ec2::MonitorInstancesResponse> monitor_instances(RequestContext& context,
                                                        const ec2::MonitorInstancesRequest& request) {
    LODGE_TRY(auto changes, set_monitoring(context, request.instance_id, true));
    return ec2::MonitorInstancesResponse{std::move(changes)};
}

Result<ec2::UnmonitorInstancesResponse> unmonitor_instances(RequestContext& context,
                                                            const ec2::UnmonitorInstancesRequest& request) {
    LODGE_TRY(auto changes, set_monitoring(context, request.instance_id, false));
    return ec2::UnmonitorInstancesResponse{std::move(changes)};
}

Result<ec2::ModifyInstanceMaintenanceOptionsResponse> modify_instance_maintenance_options(
    RequestContext& context, const ec2::ModifyInstanceMaintenanceOptionsRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::ModifyInstanceMaintenanceOptionsResponse> {
        LODGE_TRY(auto row, find_living_instance(session, context, request.instance_id));
        auto& instance = row.instance;
        instance.auto_recovery = request.auto_recovery.value_or(instance.auto_recovery);
        db::instances::update_attributes(session, instance);
        return ec2::ModifyInstanceMaintenanceOptionsResponse{instance.id.str(), instance.auto_recovery};
    });
}

Result<ec2::SendDiagnosticInterruptResponse> send_diagnostic_interrupt(
    RequestContext& context, const ec2::SendDiagnosticInterruptRequest& request) {
    return context.write([&](db::Session& session) -> Result<ec2::SendDiagnosticInterruptResponse> {
        LODGE_TRY(auto row, find_living_instance(session, context, request.instance_id));
        if (state_of(row) != InstanceState::running)
            return fail(ErrorCode::incorrect_instance_state,
                        "The instance '" + request.instance_id + "' is not running.");
        scheduler::want_interrupt(row.instance);
        db::instances::update(session, row.instance);
        scheduler::record(session, context.now_ms(), context.account_id, request.instance_id, "interrupt",
                          "asked for a diagnostic interrupt");
        wake_host(session, context, row.instance.host_id);
        return ec2::SendDiagnosticInterruptResponse{};
    });
}

}  // namespace lodge::api

#include "api/actions/instance_view.h"

#include <set>

#include "api/actions/tagging.h"
#include "db/store/tags.h"
#include "scheduler/lifecycle/lifecycle.h"

namespace lodge::api {
namespace {

// Blocks that hold the same in every instance here; clients such as Terraform read them all.
void add_constant_blocks(ec2::Instance& out) {
    out.private_dns_name = "";
    out.dns_name = "";
    out.platform_details = "Linux/UNIX";
    out.usage_operation = "RunInstances";
    out.monitoring = ec2::Monitoring{"disabled"};
    out.root_device_type = "ebs";
    out.virtualization_type = "hvm";
    out.hypervisor = "xen";  // what EC2 says of every Nitro instance
    out.ebs_optimized = false;
    out.ena_support = true;
    out.boot_mode = "legacy-bios";
    out.current_instance_boot_mode = "legacy-bios";
    out.capacity_reservation_specification = ec2::CapacityReservationSpecificationResponse{"open"};
    out.hibernation_options = ec2::HibernationOptions{false};
    out.enclave_options = ec2::EnclaveOptions{false};
    out.metadata_options =
        ec2::InstanceMetadataOptionsResponse{"applied", "optional", 1, "disabled", "disabled", "disabled"};
    out.maintenance_options = ec2::InstanceMaintenanceOptions{"default"};
    out.private_dns_name_options = ec2::PrivateDnsNameOptionsResponse{"ip-name", false, false};
}

std::optional<std::string> unless_empty(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
}

void add_state(ec2::Instance& out, const InstanceRecord& record) {
    const auto& instance = record.instance;
    out.state = to_ec2(record.state());
    out.reason = scheduler::shown_transition_reason(instance);
    out.state_reason = record.state_reason();
}

void add_root_disk(ec2::Instance& out, const InstanceRecord& record) {
    const auto& instance = record.instance;
    out.root_device_name = instance.root_device_name;
    if (record.state() == InstanceState::terminated) return;
    ec2::InstanceBlockDeviceMapping root;
    root.device_name = instance.root_device_name;
    root.ebs = ec2::EbsInstanceBlockDevice{instance.root_volume_id.str(), "attached",
                                           instance.root_attached_ms, true};
    out.block_device_mapping.push_back(std::move(root));
}

}  // namespace

InstanceState InstanceRecord::state() const {
    return scheduler::visible_state(instance.desired, guest.observed);
}

std::optional<ec2::StateReason> InstanceRecord::state_reason() const {
    if (!instance.state_reason_code.empty())
        return ec2::StateReason{instance.state_reason_code, instance.state_reason};
    if (state() == InstanceState::pending) return ec2::StateReason{"pending", "pending"};
    return std::nullopt;
}

InstanceRecord with_tags(db::Session& session, db::instances::WithGuest row) {
    auto tags = db::tags::of(session, row.instance.account_id, row.instance.id.str());
    return {std::move(row.instance), std::move(row.guest), std::move(tags)};
}

ec2::InstanceState to_ec2(InstanceState state) {
    return {static_cast<std::int64_t>(state), std::string(to_text(state))};
}

ec2::Instance to_ec2(const InstanceRecord& record) {
    const auto& instance = record.instance;
    ec2::Instance out;
    add_constant_blocks(out);
    add_state(out, record);
    add_root_disk(out, record);
    out.instance_id = instance.id.str();
    out.image_id = instance.image_id.str();
    out.key_name = unless_empty(instance.key_name);
    out.ami_launch_index = instance.launch_index;
    out.instance_type = instance.instance_type;
    out.launch_time = instance.launched_ms;
    out.usage_operation_update_time = instance.root_attached_ms;
    out.placement = ec2::Placement{instance.zone, "", "default"};
    out.kernel_id = unless_empty(instance.kernel_id);
    out.ramdisk_id = unless_empty(instance.ramdisk_id);
    out.architecture = instance.architecture;
    out.client_token = instance.client_token;
    out.cpu_options = ec2::CpuOptions{instance.core_count, instance.threads_per_core};
    out.tags = to_ec2(record.tags);
    return out;
}

std::vector<ec2::Reservation> group_by_reservation(const std::vector<InstanceRecord>& records) {
    std::vector<ec2::Reservation> out;
    for (const auto& record : records) {
        const auto& id = record.instance.reservation_id.str();
        if (out.empty() || out.back().reservation_id != id) {
            auto& reservation = out.emplace_back();
            reservation.reservation_id = id;
            reservation.owner_id = record.instance.account_id;
        }
        out.back().instances.push_back(to_ec2(record));
    }
    return out;
}

Result<std::vector<db::instances::WithGuest>> find_instances(db::Session& session,
                                                             const RequestContext& context,
                                                             const std::vector<std::string>& ids) {
    std::vector<db::instances::WithGuest> found;
    std::set<std::string_view> seen;
    for (const auto& id : ids)
        if (!InstanceId::parse(id)) return fail(ErrorCode::invalid_instance_id_malformed, id);
    for (const auto& id : ids) {
        if (!seen.insert(id).second) continue;
        auto row = db::instances::find(session, context.account_id, context.region, id);
        if (!row) return fail(ErrorCode::invalid_instance_id_not_found, id);
        found.push_back(std::move(*row));
    }
    return found;
}

}  // namespace lodge::api

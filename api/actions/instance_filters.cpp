#include "api/actions/instance_filters.h"

#include "api/actions/words.h"
#include "proto/base/encoding.h"
#include "scheduler/lifecycle/lifecycle.h"

namespace lodge::api {
namespace {

using describe::Values;
using Table = describe::FilterTable<InstanceRecord>;

// A filter over one text of the record; an empty text is no value.
template <class F>
describe::FilterField<InstanceRecord> text(std::string_view name, F value) {
    return {name, [value](const InstanceRecord& record, Values& out) {
                std::string found(value(record));
                if (!found.empty()) out.push_back(std::move(found));
            }};
}

describe::FilterField<InstanceRecord> constant(std::string_view name, std::string_view value) {
    return text(name, [value](const InstanceRecord&) { return value; });
}

void add_identity(Table& table) {
    table.push_back(text("instance-id", [](const auto& r) { return r.instance.id.str(); }));
    table.push_back(text("reservation-id", [](const auto& r) { return r.instance.reservation_id.str(); }));
    table.push_back(text("owner-id", [](const auto& r) { return r.instance.account_id; }));
    table.push_back(text("client-token", [](const auto& r) { return r.instance.client_token; }));
    table.push_back(
        text("launch-index", [](const auto& r) { return std::to_string(r.instance.launch_index); }));
    table.push_back(text("launch-time", [](const auto& r) { return format_time(r.instance.launched_ms); }));
    table.push_back(text("usage-operation-update-time",
                         [](const auto& r) { return format_time(r.instance.root_attached_ms); }));
}

void add_launch(Table& table) {
    table.push_back(text("image-id", [](const auto& r) { return r.instance.image_id.str(); }));
    table.push_back(text("kernel-id", [](const auto& r) { return r.instance.kernel_id; }));
    table.push_back(text("ramdisk-id", [](const auto& r) { return r.instance.ramdisk_id; }));
    table.push_back(text("instance-type", [](const auto& r) { return r.instance.instance_type; }));
    table.push_back(text("architecture", [](const auto& r) { return r.instance.architecture; }));
    table.push_back(text("boot-mode", [](const auto& r) { return to_text(r.instance.boot_mode); }));
    table.push_back(text("current-instance-boot-mode",
                         [](const auto& r) { return to_text(r.instance.current_boot_mode); }));
    table.push_back(text("key-name", [](const auto& r) { return r.instance.key_name; }));
    table.push_back(
        text("placement-group-name", [](const auto& r) { return r.instance.placement_group_name; }));
    table.push_back(text("placement-partition-number", [](const auto& r) {
        auto number = r.instance.partition_number;
        return number > 0 ? std::to_string(number) : std::string();
    }));
    table.push_back(text("availability-zone", [](const auto& r) { return r.instance.zone; }));
}

void add_capacity(Table& table) {
    table.push_back(text("tenancy", [](const auto& r) { return r.instance.tenancy; }));
    table.push_back(text("affinity", [](const auto& r) { return r.instance.affinity; }));
    table.push_back(text("host-id", [](const auto& r) { return r.instance.dedicated_host_id; }));
    table.push_back(text("capacity-reservation-id", [](const auto& r) { return r.capacity_reservation(); }));
    table.push_back(text("capacity-reservation-specification.capacity-reservation-preference",
                         [](const auto& r) { return r.instance.capacity_preference; }));
    table.push_back(
        text("capacity-reservation-specification.capacity-reservation-target.capacity-reservation-id",
             [](const auto& r) { return r.instance.capacity_target; }));
}

void add_options(Table& table) {
    table.push_back(
        text("maintenance-options.auto-recovery", [](const auto& r) { return r.instance.auto_recovery; }));
    table.push_back(text("monitoring-state", [](const auto& r) { return r.monitoring_state(); }));
}

void add_state(Table& table) {
    table.push_back(
        text("instance-state-name", [](const auto& r) { return std::string(to_text(r.state())); }));
    table.push_back(text("instance-state-code",
                         [](const auto& r) { return std::to_string(static_cast<int>(r.state())); }));
    table.push_back(
        text("reason", [](const auto& r) { return scheduler::shown_transition_reason(r.instance); }));
    table.push_back(text("state-reason-code", [](const auto& r) {
        return r.state_reason().value_or(ec2::StateReason{}).code.value_or("");
    }));
    table.push_back(text("state-reason-message", [](const auto& r) {
        return r.state_reason().value_or(ec2::StateReason{}).message.value_or("");
    }));
}

// One value of each block device.
template <class F>
describe::FilterField<InstanceRecord> block_device(std::string_view name, F value) {
    return {name, [value](const InstanceRecord& record, describe::Values& out) {
                for (const auto& mapping : record.block_devices()) out.emplace_back(value(mapping));
            }};
}

void add_disks(Table& table) {
    table.push_back(text("root-device-name", [](const auto& r) { return r.instance.root_device_name; }));
    table.push_back(constant("root-device-type", "ebs"));
    table.push_back(
        block_device("block-device-mapping.device-name", [](const auto& m) { return *m.device_name; }));
    table.push_back(
        block_device("block-device-mapping.volume-id", [](const auto& m) { return *m.ebs->volume_id; }));
    table.push_back(
        block_device("block-device-mapping.status", [](const auto& m) { return *m.ebs->status; }));
    table.push_back(block_device("block-device-mapping.delete-on-termination",
                                 [](const auto& m) { return word(*m.ebs->delete_on_termination); }));
    table.push_back(block_device("block-device-mapping.attach-time",
                                 [](const auto& m) { return format_time(*m.ebs->attach_time); }));
}

void add_constants(Table& table) {
    static constexpr std::pair<std::string_view, std::string_view> constants[] = {
        {"enclave-options.enabled", "false"},
        {"hibernation-options.configured", "false"},
        {"hypervisor", "xen"},
        {"metadata-options.state", "applied"},
        {"platform-details", "Linux/UNIX"},
        {"usage-operation", "RunInstances"},
        {"virtualization-type", "hvm"},
    };
    for (const auto& [name, value] : constants) table.push_back(constant(name, value));
}

void add_absent(Table& table) {
    static constexpr std::string_view absent[] = {
        "capacity-reservation-specification.capacity-reservation-target.capacity-reservation-resource-group-"
        "arn",
        "dns-name",
        "iam-instance-profile.arn",
        "iam-instance-profile.id",
        "iam-instance-profile.name",
        "instance-lifecycle",
        "license-pool",
        "network-interface.addresses.association.carrier-ip",
        "network-interface.addresses.association.customer-owned-ip",
        "network-interface.addresses.association.public-dns-name",
        "network-interface.association.carrier-ip",
        "network-interface.association.customer-owned-ip",
        "network-interface.association.public-dns-name",
        "network-interface.ipv4-prefixes.ipv4-prefix",
        "network-interface.ipv6-prefixes.ipv6-prefix",
        "network-interface.operator.managed",
        "network-interface.operator.principal",
        "network-interface.outpost-arn",
        "network-interface.public-dns-name",
        "operator.managed",
        "operator.principal",
        "outpost-arn",
        "platform",
        "product-code",
        "product-code.type",
        "public-dns-name",
        "requester-id",
        "spot-instance-request-id",
        "tpm-support"};
    for (auto name : absent) table.push_back({name, [](const InstanceRecord&, Values&) {}});
}

}  // namespace

const Table& instance_filters() {
    static const Table table = [] {
        Table made;
        add_identity(made);
        add_launch(made);
        add_state(made);
        add_capacity(made);
        add_options(made);
        add_disks(made);
        add_network_filters(made);
        add_constants(made);
        add_absent(made);
        return made;
    }();
    return table;
}

}  // namespace lodge::api

#include "api/actions/instance_view.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "api/actions/metadata_options.h"
#include "api/actions/tagging.h"
#include "api/actions/words.h"
#include "db/store/tags.h"
#include "db/store/volumes.h"
#include "scheduler/lifecycle/lifecycle.h"
#include "scheduler/network/names.h"

namespace lodge::api {

using db::attached_interfaces::AttachedInterface;

namespace {

// Blocks that hold the same in every instance here; clients such as Terraform read them all.
void add_constant_blocks(ec2::Instance& out) {
    out.dns_name = "";  // there is no public zone that would resolve it
    out.platform_details = "Linux/UNIX";
    out.usage_operation = "RunInstances";
    out.root_device_type = "ebs";
    out.virtualization_type = "hvm";
    out.hypervisor = "xen";  // what EC2 says of every Nitro instance
    out.ebs_optimized = false;
    out.ena_support = true;
    out.hibernation_options = ec2::HibernationOptions{false};
    out.enclave_options = ec2::EnclaveOptions{false};
}

void add_state(ec2::Instance& out, const InstanceRecord& record) {
    const auto& instance = record.instance;
    out.state = to_ec2(record.state());
    out.reason = scheduler::shown_transition_reason(instance);
    out.state_reason = record.state_reason();
}

std::vector<ec2::GroupIdentifier> groups_of(const AttachedInterface& attached) {
    std::vector<ec2::GroupIdentifier> out;
    for (const auto& group : attached.groups) out.push_back({group.name, group.id.str()});
    return out;
}

std::optional<ec2::InstanceNetworkInterfaceAssociation> association_of(const AttachedInterface& attached,
                                                                       std::string_view private_ip) {
    auto public_ip = public_ip_of(attached, private_ip);
    if (public_ip.empty()) return std::nullopt;
    for (const auto& elastic : attached.elastic)
        if (elastic.public_ip == public_ip)
            return ec2::InstanceNetworkInterfaceAssociation{public_ip, "", elastic.account_id};
    return ec2::InstanceNetworkInterfaceAssociation{public_ip, "", "amazon"};
}

ec2::InstanceNetworkInterfaceAttachment attachment_of(const NetworkInterface& interface) {
    ec2::InstanceNetworkInterfaceAttachment out;
    out.attachment_id = interface.attachment_id;
    out.device_index = interface.device_index;
    out.network_card_index = 0;
    out.status = std::string(to_text(interface.attachment_state));
    out.attach_time = interface.attached_ms;
    out.delete_on_termination = interface.delete_on_termination;
    return out;
}

void add_addresses(ec2::InstanceNetworkInterface& out, const AttachedInterface& attached) {
    for (const auto& address : attached.addresses) {
        if (address.is_ipv6) {
            out.ipv6_addresses.push_back({address.address});
            continue;
        }
        out.private_ip_addresses.push_back(
            {address.address, network::ip_name(attached.interface.region, address.address),
             address.position == 0, association_of(attached, address.address)});
    }
    if (out.private_ip_addresses.empty()) return;
    const auto& primary = out.private_ip_addresses.front();
    out.private_ip_address = primary.private_ip_address;
    out.private_dns_name = primary.private_dns_name;
    out.association = primary.association;
}

ec2::InstanceNetworkInterface shown(const AttachedInterface& attached) {
    const auto& interface = attached.interface;
    ec2::InstanceNetworkInterface out;
    out.network_interface_id = interface.id.str();
    out.subnet_id = interface.subnet_id.str();
    out.vpc_id = interface.vpc_id.str();
    out.description = interface.description;
    out.owner_id = interface.account_id;
    out.status = "in-use";
    out.mac_address = interface.mac;
    out.source_dest_check = interface.source_dest_check;
    out.groups = groups_of(attached);
    out.attachment = attachment_of(interface);
    out.interface_type = interface.interface_type;
    add_addresses(out, attached);
    return out;
}

void add_network(ec2::Instance& out, const InstanceRecord& record) {
    out.private_dns_name = record.private_dns_name();
    for (const auto& attached : record.interfaces) out.network_interfaces.push_back(shown(attached));
    const auto* primary = record.primary();
    if (!primary) return;
    out.private_ip_address = unless_empty(record.private_ip());
    out.ip_address = unless_empty(record.public_ip());
    out.subnet_id = primary->interface.subnet_id.str();
    out.vpc_id = primary->interface.vpc_id.str();
    out.source_dest_check = primary->interface.source_dest_check;
    out.groups = groups_of(*primary);
    for (const auto& address : primary->addresses)
        if (address.is_ipv6 && !out.ipv6_address) out.ipv6_address = address.address;
}

void add_capacity(ec2::Instance& out, const InstanceRecord& record) {
    const auto& instance = record.instance;
    out.capacity_reservation_id = unless_empty(record.capacity_reservation());
    auto& specification = out.capacity_reservation_specification.emplace();
    specification.capacity_reservation_preference = unless_empty(instance.capacity_preference);
    if (!instance.capacity_target.empty())
        specification.capacity_reservation_target =
            ec2::CapacityReservationTargetResponse{instance.capacity_target};
}

void add_options(ec2::Instance& out, const InstanceRecord& record) {
    const auto& instance = record.instance;
    out.monitoring = ec2::Monitoring{record.monitoring_state()};
    out.maintenance_options = ec2::InstanceMaintenanceOptions{instance.auto_recovery};
    out.metadata_options = to_ec2(instance.metadata);
    out.private_dns_name_options = ec2::PrivateDnsNameOptionsResponse{
        instance.hostname_type, instance.resource_name_dns_a, instance.resource_name_dns_aaaa};
}

ec2::Placement placement_of(const Instance& instance) {
    ec2::Placement out;
    out.availability_zone = instance.zone;
    out.group_name = instance.placement_group_name;
    out.group_id = unless_empty(instance.placement_group_id);
    if (instance.partition_number > 0) out.partition_number = instance.partition_number;
    out.tenancy = instance.tenancy;
    out.affinity = unless_empty(instance.affinity);
    out.host_id = unless_empty(instance.dedicated_host_id);
    return out;
}

db::instances::Position position_of(const db::instances::WithGuest& row) {
    return {row.instance.reservation_id.str(), row.instance.id.str()};
}

// From the first to the last of them in the store's order.
db::instances::Span span_of(const std::vector<db::instances::WithGuest>& rows) {
    auto before = [](const auto& a, const auto& b) {
        return std::tie(a.instance.reservation_id, a.instance.id) <
               std::tie(b.instance.reservation_id, b.instance.id);
    };
    auto [first, last] = std::minmax_element(rows.begin(), rows.end(), before);
    return {first->instance.account_id, first->instance.region, position_of(*first), position_of(*last)};
}

std::unordered_map<std::string_view, InstanceRecord*> index_of(std::vector<InstanceRecord>& records) {
    std::unordered_map<std::string_view, InstanceRecord*> by_id;
    by_id.reserve(records.size());
    for (auto& record : records) by_id[record.instance.id.str()] = &record;
    return by_id;
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

std::string InstanceRecord::capacity_reservation() const {
    return holds_claim(guest.observed) ? guest.capacity_reservation_id : std::string();
}

std::string InstanceRecord::monitoring_state() const {
    if (!instance.detailed_monitoring) return "disabled";
    return state() == InstanceState::pending ? "pending" : "enabled";
}

std::vector<ec2::InstanceBlockDeviceMapping> InstanceRecord::block_devices() const {
    std::vector<ec2::InstanceBlockDeviceMapping> out;
    if (state() == InstanceState::terminated) return out;
    if (!instance.root_volume_id.empty()) {
        auto& root = out.emplace_back();
        root.device_name = instance.root_device_name;
        const bool stays =
            std::any_of(volumes.begin(), volumes.end(), [](const auto& each) { return each.is_root; });
        root.ebs = ec2::EbsInstanceBlockDevice{instance.root_volume_id.str(), "attached",
                                               instance.root_attached_ms, !stays};
    }
    for (const auto& volume : volumes) {
        if (volume.is_root) continue;
        auto& mapping = out.emplace_back();
        mapping.device_name = volume.device;
        mapping.ebs =
            ec2::EbsInstanceBlockDevice{volume.id.str(), std::string(to_text(volume.attachment_state)),
                                        volume.attached_ms, volume.delete_on_termination};
    }
    return out;
}

const AttachedInterface* InstanceRecord::primary() const {
    bool is_there = !interfaces.empty() && interfaces.front().interface.device_index == 0;
    return is_there ? &interfaces.front() : nullptr;
}

std::string InstanceRecord::private_ip() const {
    const auto* attached = primary();
    return attached && !attached->addresses.empty() ? attached->addresses.front().address : "";
}

std::string InstanceRecord::public_ip() const {
    const auto* attached = primary();
    return attached ? public_ip_of(*attached, private_ip()) : "";
}

std::string InstanceRecord::private_dns_name() const {
    auto address = private_ip();
    return address.empty() ? "" : network::host_name(instance, address);
}

std::string public_ip_of(const AttachedInterface& attached, std::string_view private_ip) {
    for (const auto& elastic : attached.elastic)
        if (elastic.private_ip == private_ip) return elastic.public_ip;
    bool is_primary = !attached.addresses.empty() && attached.addresses.front().address == private_ip;
    return is_primary ? attached.interface.public_ip : "";
}

std::vector<InstanceRecord> load_tags(db::Session& session, std::vector<db::instances::WithGuest> rows) {
    std::vector<InstanceRecord> records;
    if (rows.empty()) return records;
    auto span = span_of(rows);
    records.reserve(rows.size());
    for (auto& row : rows)
        records.emplace_back(InstanceRecord{std::move(row.instance), std::move(row.guest), {}, {}, {}});
    auto by_id = index_of(records);
    for (auto& tag : db::tags::of_instances(session, span))
        if (auto found = by_id.find(tag.resource_id); found != by_id.end())
            found->second->tags.push_back(std::move(tag));
    return records;
}

std::vector<InstanceRecord> load_all(db::Session& session, std::vector<db::instances::WithGuest> rows) {
    if (rows.empty()) return {};
    auto span = span_of(rows);
    auto records = load_tags(session, std::move(rows));
    auto by_id = index_of(records);
    for (auto& attached : db::attached_interfaces::of_instances(session, span))
        if (auto found = by_id.find(attached.interface.instance_id); found != by_id.end())
            found->second->interfaces.push_back(std::move(attached));
    for (auto& volume : db::volumes::worth_telling_of(session, span))
        if (auto found = by_id.find(volume.instance_id.str()); found != by_id.end())
            found->second->volumes.push_back(std::move(volume));
    return records;
}

InstanceRecord load_one(db::Session& session, db::instances::WithGuest row) {
    std::vector<db::instances::WithGuest> rows;
    rows.push_back(std::move(row));
    return std::move(load_all(session, std::move(rows)).front());
}

InstanceState state_of(const db::instances::WithGuest& row) {
    return scheduler::visible_state(row.instance.desired, row.guest.observed);
}

std::string page_key(const InstanceRecord& record) {
    return record.instance.reservation_id.str() + "/" + record.instance.id.str();
}

db::instances::Position position(const std::string& page_key) {
    auto slash = page_key.find('/');
    if (slash == std::string::npos) return {};
    return {page_key.substr(0, slash), page_key.substr(slash + 1)};
}

ec2::InstanceState to_ec2(InstanceState state) {
    return {static_cast<std::int64_t>(state), std::string(to_text(state))};
}

ec2::Instance to_ec2(const InstanceRecord& record) {
    const auto& instance = record.instance;
    ec2::Instance out;
    add_constant_blocks(out);
    add_state(out, record);
    out.root_device_name = instance.root_device_name;
    out.block_device_mapping = record.block_devices();
    add_network(out, record);
    add_capacity(out, record);
    add_options(out, record);
    out.instance_id = instance.id.str();
    out.image_id = instance.image_id.str();
    out.key_name = unless_empty(instance.key_name);
    out.ami_launch_index = instance.launch_index;
    out.instance_type = instance.instance_type;
    out.launch_time = instance.launched_ms;
    out.usage_operation_update_time = instance.root_attached_ms;
    out.placement = placement_of(instance);
    out.kernel_id = unless_empty(instance.kernel_id);
    out.ramdisk_id = unless_empty(instance.ramdisk_id);
    out.architecture = instance.architecture;
    out.boot_mode = std::string(to_text(instance.boot_mode));
    out.current_instance_boot_mode = std::string(to_text(instance.current_boot_mode));
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

Result<db::instances::WithGuest> find_living_instance(db::Session& session, const RequestContext& context,
                                                      const std::string& id) {
    LODGE_TRY(auto rows, find_instances(session, context, {id}));
    auto& row = rows.front();
    if (state_of(row) == InstanceState::terminated)
        return fail(ErrorCode::incorrect_instance_state,
                    "The instance '" + id + "' has been terminated: it cannot be changed.");
    return std::move(row);
}

Status require_stopped(const db::instances::WithGuest& row) {
    auto state = state_of(row);
    if (state == InstanceState::stopped) return {};
    return fail(ErrorCode::incorrect_instance_state, "The instance '" + row.instance.id.str() +
                                                         "' must be stopped: its state is '" +
                                                         std::string(to_text(state)) + "'.");
}

Status require_settled(const db::instances::WithGuest& row) {
    auto state = state_of(row);
    if (state == InstanceState::running || state == InstanceState::stopped) return {};
    return fail(ErrorCode::incorrect_instance_state, "The instance '" + row.instance.id.str() +
                                                         "' must be running or stopped: its state is '" +
                                                         std::string(to_text(state)) + "'.");
}

void ask_guest(db::Session& session, const RequestContext& context, db::instances::WithGuest& row) {
    ++row.instance.generation;
    db::instances::update(session, row.instance);
    wake_host(session, context, row.instance.host_id);
}

void wake_host(db::Session& session, const RequestContext& context, const HostId& id) {
    session.after_commit([&hub = context.services.hub, id] { hub.changed(id); });
}

void wake_hosts_in(db::Session& session, const RequestContext& context, const VpcId& vpc_id) {
    for (const auto& host_id : db::instances::hosts_in_vpc(session, vpc_id))
        wake_host(session, context, host_id);
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

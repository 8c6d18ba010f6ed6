// GetLaunchTemplateData: a template's data that launches an instance like one that there is.
#include "api/actions/image_view.h"
#include "api/actions/instance_view.h"
#include "api/actions/words.h"
#include "db/store/volumes.h"
#include "proto/base/encoding.h"
#include "proto/ec2/launch_templates.h"
#include "scheduler/volumes/volume_types.h"

namespace lodge::api {
namespace {

// Without the interface's ID and addresses, which the instance has itself and another one could not get.
ec2::LaunchTemplateNetworkInterface interface_like(const db::attached_interfaces::AttachedInterface& attached,
                                                   bool only) {
    const auto& interface = attached.interface;
    ec2::LaunchTemplateNetworkInterface out;
    out.device_index = interface.device_index;
    out.network_card_index = 0;
    out.interface_type = "interface";
    out.subnet_id = interface.subnet_id.str();
    out.description = unless_empty(interface.description);
    out.delete_on_termination = interface.delete_on_termination;
    if (only && interface.device_index == 0) out.associate_public_ip_address = interface.auto_public_ip;
    for (const auto& group : attached.groups) out.security_group_id.push_back(group.id.str());
    std::int64_t ipv4 = 0;
    std::int64_t ipv6 = 0;
    for (const auto& address : attached.addresses) (address.is_ipv6 ? ipv6 : ipv4) += 1;
    if (ipv4 > 1) out.secondary_private_ip_address_count = ipv4 - 1;
    if (ipv6 > 0) out.ipv6_address_count = ipv6;
    return out;
}

ec2::LaunchTemplateBlockDevice disk_like(const Volume& volume) {
    ec2::LaunchTemplateBlockDevice out;
    out.device_name = volume.device;
    out.ebs.emplace();
    out.ebs->delete_on_termination = volume.delete_on_termination;
    out.ebs->encrypted = !volume.key_id.empty();
    out.ebs->volume_size = gib_of(volume.size_bytes);
    out.ebs->volume_type = volume.type;
    if (volumes::may_choose_iops(volume.type)) out.ebs->iops = volume.iops;
    if (volume.throughput > 0) out.ebs->throughput = volume.throughput;
    return out;
}

void put_tags(const std::vector<Tag>& tags, ec2::LaunchTemplateData& out) {
    ec2::TagSpecification specification{"instance", {}};
    for (const auto& tag : tags)
        if (!tag.key.starts_with("aws:")) specification.tag.push_back({tag.key, tag.value});
    if (!specification.tag.empty()) out.tag_specification.push_back(std::move(specification));
}

void put_options(const Instance& instance, ec2::LaunchTemplateData& out) {
    out.cpu_options.emplace();
    out.cpu_options->core_count = instance.core_count;
    out.cpu_options->threads_per_core = instance.threads_per_core;
    const auto& metadata = instance.metadata;
    out.metadata_options = ec2::LaunchTemplateMetadataOptions{
        able(metadata.http_endpoint), able(metadata.http_ipv6), metadata.hop_limit, metadata.http_tokens,
        able(metadata.instance_tags)};
    out.private_dns_name_options = ec2::LaunchTemplatePrivateDnsNameOptions{
        instance.resource_name_dns_aaaa, instance.resource_name_dns_a, instance.hostname_type};
    out.monitoring = ec2::LaunchTemplateSwitch{instance.detailed_monitoring};
    if (!instance.cpu_credits.empty())
        out.credit_specification = ec2::LaunchTemplateCreditSpecification{instance.cpu_credits};
    out.enclave_options = ec2::LaunchTemplateSwitch{false};
    out.hibernation_options = ec2::LaunchTemplateHibernationOptions{false};
    out.maintenance_options = ec2::LaunchTemplateMaintenanceOptions{instance.auto_recovery};
    out.ebs_optimized = false;
}

void put_capacity(const Instance& instance, ec2::LaunchTemplateData& out) {
    auto& specification = out.capacity_reservation_specification.emplace();
    specification.capacity_reservation_preference = unless_empty(instance.capacity_preference);
    if (instance.capacity_target.empty()) return;
    specification.capacity_reservation_target.emplace().capacity_reservation_id = instance.capacity_target;
}

void put_launch(const Instance& instance, ec2::LaunchTemplateData& out) {
    out.image_id = instance.image_id.str();
    out.instance_type = instance.instance_type;
    out.kernel_id = unless_empty(instance.kernel_id);
    out.ram_disk_id = unless_empty(instance.ramdisk_id);
    out.key_name = unless_empty(instance.key_name);
    out.disable_api_stop = instance.disable_api_stop;
    out.disable_api_termination = instance.disable_api_termination;
    out.instance_initiated_shutdown_behavior = instance.terminate_on_shutdown ? "terminate" : "stop";
    out.placement.emplace();
    out.placement->availability_zone = instance.zone;
    out.placement->tenancy = instance.tenancy;
    out.placement->affinity = unless_empty(instance.affinity);
    out.placement->host_id = unless_empty(instance.dedicated_host_id);
    out.placement->group_name = unless_empty(instance.placement_group_name);
    if (instance.partition_number > 0) out.placement->partition_number = instance.partition_number;
}

}  // namespace

Result<ec2::GetLaunchTemplateDataResponse> get_launch_template_data(
    RequestContext& context, const ec2::GetLaunchTemplateDataRequest& request) {
    return context.read([&](db::Session& session) -> Result<ec2::GetLaunchTemplateDataResponse> {
        LODGE_TRY(auto row, find_living_instance(session, context, request.instance_id));
        auto record = load_one(session, std::move(row));
        ec2::LaunchTemplateData data;
        put_launch(record.instance, data);
        for (const auto& volume : db::volumes::of_instance(session, record.instance.id))
            data.block_device_mapping.push_back(disk_like(volume));
        put_capacity(record.instance, data);
        put_options(record.instance, data);
        put_tags(record.tags, data);
        bool only = record.interfaces.size() == 1;
        for (const auto& attached : record.interfaces)
            data.network_interface.push_back(interface_like(attached, only));
        auto user_data = db::instances::user_data(session, record.instance.id);
        if (!user_data.empty()) data.user_data = base64_encode(user_data);
        return ec2::GetLaunchTemplateDataResponse{std::move(data)};
    });
}

}  // namespace lodge::api

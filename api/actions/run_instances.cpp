// RunInstances: all of MinCount or nothing; placement is decided in the call.
#include "api/actions/run_instances.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>

#include "api/actions/account_limits.h"
#include "api/actions/capacity_reservations.h"
#include "api/actions/cpu_credits.h"
#include "api/actions/instance_view.h"
#include "api/actions/launch_network.h"
#include "api/actions/launch_template_data.h"
#include "api/actions/metadata_options.h"
#include "api/actions/placement_groups.h"
#include "api/actions/tagging.h"
#include "api/actions/volume_view.h"
#include "db/store/guests.h"
#include "db/store/hosts.h"
#include "db/store/images.h"
#include "db/store/reservations.h"
#include "db/store/volumes.h"
#include "db/store/vpcs.h"
#include "proto/ec2/instances.h"
#include "scheduler/apply/groups.h"
#include "scheduler/placement/place.h"
#include "scheduler/reconcile/events.h"
#include "scheduler/volumes/attachments.h"
#include "scheduler/volumes/pools.h"
#include "scheduler/volumes/room.h"
#include "scheduler/volumes/snapshots.h"

namespace lodge::api {
namespace {

using Response = ec2::RunInstancesResponse;

// One launch, inside its transaction.
class Launch {
  public:
    Launch(db::Session& session, const RequestContext& context, const ec2::RunInstancesRequest& request,
           const LaunchWish& wish)
        : session_(session),
          context_(context),
          request_(request),
          wish_(wish),
          now_ms_(context.now_ms()),
          network_(session, context, wish.interfaces, wish.interface_tags) {}

    Result<ReservationId> run() {
        LODGE_TRY(images_, resolve_images(session_, context_, request_, wish_));
        LODGE_TRY(group_, choose_group(session_, context_, group_wish(), *wish_.type));
        LODGE_TRY(auto zones, network_.resolve(wish_.zones, names_zone()));
        choose_tenancy();
        LODGE_TRY(auto plan, place(zones));
        LODGE_TRY(auto count, network_.choose_zone(plan.zone, request_.min_count,
                                                   static_cast<std::int64_t>(plan.hosts.size())));
        plan.hosts.resize(static_cast<std::size_t>(count));
        LODGE_CHECK(resolve_options());
        auto reservation_id = ReservationId::make(context_.services.random);
        db::reservations::insert(session_, {reservation_id, context_.account_id, context_.region, now_ms_});
        for (std::size_t i = 0; i < plan.hosts.size(); ++i) LODGE_CHECK(add(reservation_id, plan, i));
        for (const auto& id : placed_on_) context_.services.claims.give_back_if_empty(session_, id);
        network_.finish();
        db::images::note_launch(session_, images_.image.id, now_ms_);
        return reservation_id;
    }

  private:
    bool names_zone() const {
        const auto& placement = request_.placement;
        return placement && (placement->availability_zone || placement->availability_zone_id);
    }

    GroupWish group_wish() const {
        const auto& placement = request_.placement;
        if (!placement) return {};
        return {placement->group_id, placement->group_name, placement->partition_number};
    }

    // A VPC of dedicated tenancy has no instances on shared hosts.
    void choose_tenancy() {
        tenancy_ = wish_.tenancy;
        const auto vpc = db::vpcs::find_any(session_, network_.vpc_id().str());
        if (vpc && vpc->instance_tenancy == "dedicated" && tenancy_.tenancy == "default")
            tenancy_.tenancy = "dedicated";
    }

    Status resolve_options() {
        metadata_ = launch_options(session_, context_, request_.metadata_options);
        if (!metadata_.instance_tags) return {};
        for (const auto& tag : wish_.instance_tags) LODGE_CHECK(check_metadata_key(*tag.key));
        return {};
    }

    Result<scheduler::Plan> place(const std::vector<std::string>& zones) {
        LODGE_TRY(auto reserved, choose_reserved(session_, context_, wish_.capacity, alike(), zones));
        LODGE_TRY(auto more, allowed(reserved.only ? 0 : request_.min_count - reserved.instances()));
        scheduler::Request request;
        request.vcpus = vcpus();
        request.memory_mib = wish_.type->memory_mib;
        request.architecture = images_.image.architecture;
        request.zones = reserved.zones;
        request.min_count = request_.min_count;
        request.max_count = std::min(request_.max_count, more + reserved.instances());
        request.strategy = context_.services.settings.strategy;
        request.seed = context_.services.random.next_u64();
        if (group_) request.group = scheduler::rule_of(session_, group_->group, group_->partition);
        request.reserved = reserved.rooms;
        request.reserved_only = reserved.only;
        if (reserved.only) return place_reserved(request);
        LODGE_TRY(auto plan, place_with_room(request));
        placed_on_ = plan.hosts;
        return within_limits(std::move(plan), more);
    }

    // What the disks of one instance are promised.
    std::int64_t disk_bytes() const {
        std::int64_t bytes = images_.disks.root.shape.size_bytes;
        for (const auto& each : images_.disks.others) bytes += each.shape.size_bytes;
        return bytes + wish_.type->instance_disks * wish_.type->instance_disk_bytes();
    }

    // The plan's hosts that have more instances than their disks have room for, and for how many they have.
    // Hosts of one storage pool have its room together.
    std::unordered_map<HostId, std::int64_t> overfull(const scheduler::Plan& plan) const {
        std::map<std::string, std::int64_t> left;  // in instances, by what hosts keep volumes in
        std::unordered_map<HostId, std::int64_t> fitting;
        std::set<HostId> full;
        const double overcommit = context_.services.claims.overcommit().disk;
        for (const auto& id : plan.hosts) {
            const auto host = db::hosts::find(session_, id);
            if (!host) continue;
            const auto [room, fresh] = left.try_emplace(volumes::storage_of(*host));
            if (fresh) room->second = volumes::room_on(session_, *host, overcommit) / disk_bytes();
            fitting.try_emplace(id);
            if (--room->second >= 0)
                ++fitting[id];
            else
                full.insert(id);
        }
        std::erase_if(fitting, [&](const auto& each) { return !full.contains(each.first); });
        return fitting;
    }

    // The index knows nothing of disks: it is told of those that turn out to be too full, and asked again.
    Result<scheduler::Plan> place_with_room(scheduler::Request request) const {
        std::unordered_map<HostId, std::int64_t> known;
        for (;;) {
            LODGE_TRY(auto plan, place_by_tenancy(session_, context_, tenancy_, wish_.type->name, request));
            const auto full = overfull(plan);
            if (full.empty()) return plan;
            const auto before = known.size();
            known.insert(full.begin(), full.end());
            if (known.size() == before) return no_disk_room();  // what is reserved does not heed it
            request.disk_room = std::make_shared<const std::unordered_map<HostId, std::int64_t>>(known);
        }
    }

    static tl::unexpected<Error> no_disk_room() {
        return fail(ErrorCode::insufficient_instance_capacity,
                    "The hosts that instances have reserved room on lack disk space.");
    }

    Result<scheduler::Plan> place_reserved(const scheduler::Request& request) const {
        auto plan = scheduler::place(context_.services.claims.index(), request);
        if (plan && !overfull(*plan).empty()) return no_disk_room();
        if (plan) return std::move(*plan);
        return tl::unexpected<Error>(
            reserved_too_little(wish_.capacity, plan.error().could_place, request_.min_count));
    }

    // What capacity reservations are to match.
    Instance alike() const {
        Instance instance;
        instance.account_id = context_.account_id;
        instance.region = context_.region;
        instance.instance_type = wish_.type->name;
        instance.tenancy = tenancy_.tenancy;
        return instance;
    }

    // How many instances the account may have beside those that its reservations have room for.
    Result<std::int64_t> allowed(std::int64_t least) const {
        return allowed_instances(session_, context_, std::max<std::int64_t>(least, 0), request_.max_count,
                                 vcpus());
    }

    // Reserved room that could not be used leaves more to place elsewhere than the account may have.
    Result<scheduler::Plan> within_limits(scheduler::Plan plan, std::int64_t more) const {
        const auto reserved = std::ssize(plan.reservations);
        const auto count = std::min(std::ssize(plan.hosts), reserved + more);
        if (count < request_.min_count) LODGE_CHECK(allowed(request_.min_count - reserved).map([](auto) {}));
        plan.hosts.resize(static_cast<std::size_t>(count));
        return plan;
    }

    std::int64_t vcpus() const { return wish_.core_count * wish_.threads_per_core; }

    Status add(const ReservationId& reservation_id, const scheduler::Plan& plan, std::size_t index) {
        auto instance = make_instance(reservation_id, static_cast<std::int64_t>(index));
        Guest guest;
        guest.id = GuestId::make(context_.services.random);
        guest.instance_id = instance.id;
        guest.host_id = plan.hosts[index];
        if (index < plan.reservations.size()) guest.capacity_reservation_id = plan.reservations[index].str();
        guest.vcpus = instance.vcpus;
        guest.memory_mib = instance.memory_mib;
        guest.created_ms = guest.observed_ms = now_ms_;
        instance.zone = plan.zone;
        if (group_) put_in_group(instance, *group_, plan.partitions.empty() ? 0 : plan.partitions[index]);
        instance.guest_id = guest.id;
        instance.host_id = guest.host_id;
        put_tenancy(session_, instance, tenancy_, guest.host_id);
        if (!context_.services.claims.claim(session_, guest))
            return fail(ErrorCode::insufficient_instance_capacity,
                        "The host chosen has no room any more; try again.");
        db::instances::insert(session_, instance);
        if (!wish_.user_data.empty()) db::instances::put_user_data(session_, instance.id, wish_.user_data);
        db::guests::insert(session_, guest);
        LODGE_CHECK(add_volumes(instance));
        LODGE_CHECK(network_.attach(instance));
        put_tags(session_, context_, instance.id.str(), "instance", wish_.instance_tags);
        scheduler::record(session_, now_ms_, instance.account_id, instance.id.str(), "placed",
                          "accepted and placed on " + guest.host_id.str());
        wake_host(session_, context_, guest.host_id);
        return {};
    }

    Status add_volumes(const Instance& instance) const {
        LODGE_TRY(auto root, make_volume(instance, images_.disks.root));
        root.id = instance.root_volume_id;
        if (!images_.disks.root.snapshot) root.image_id = instance.image_id;
        root.is_root = true;
        add_volume(instance, std::move(root), instance.root_device_name);
        for (const auto& wish : images_.disks.others) {
            LODGE_TRY(auto volume, make_volume(instance, wish));
            add_volume(instance, std::move(volume), wish.device);
        }
        return {};
    }

    Result<Volume> make_volume(const Instance& instance, const LaunchVolume& wish) const {
        auto volume = new_volume(context_, instance.zone, wish.shape, now_ms_);
        volume.delete_on_termination = wish.delete_on_termination;
        if (wish.snapshot) volumes::put_snapshot(volume, *wish.snapshot);
        if (wish.encrypted) LODGE_CHECK(give_key(session_, context_, volume));
        return volume;
    }

    // Attached from the start: the guest comes into being with it.
    void add_volume(const Instance& instance, Volume volume, const std::string& device) const {
        volumes::put_attachment(volume, instance, device, AttachmentState::attached, now_ms_);
        db::volumes::insert(session_, volume);
        put_tags(session_, context_, volume.id.str(), "volume", wish_.volume_tags);
    }

    Instance make_instance(const ReservationId& reservation_id, std::int64_t index) const {
        Instance instance;
        instance.id = InstanceId::make(context_.services.random);
        instance.account_id = context_.account_id;
        instance.region = context_.region;
        instance.reservation_id = reservation_id;
        instance.launch_index = index;
        instance.image_id = images_.image.id;
        instance.kernel_id = images_.kernel_id;
        instance.ramdisk_id = images_.ramdisk_id;
        instance.instance_type = wish_.type->name;
        instance.architecture = images_.image.architecture;
        instance.boot_mode = images_.image.boot_mode;
        instance.current_boot_mode = images_.boot_mode;
        instance.vcpus = vcpus();
        instance.memory_mib = wish_.type->memory_mib;
        instance.store_disks = wish_.type->instance_disks;
        instance.store_disk_bytes = wish_.type->instance_disk_bytes();
        instance.store_devices = wish_.store_devices;
        instance.core_count = wish_.core_count;
        instance.threads_per_core = wish_.threads_per_core;
        instance.key_name = request_.key_name.value_or("");
        instance.public_key = images_.public_key;
        instance.metadata = metadata_;
        put_hostname_options(instance);
        put_options(instance);
        instance.client_token = request_.client_token.value_or("");
        instance.disable_api_termination = request_.disable_api_termination.value_or(false);
        instance.disable_api_stop = request_.disable_api_stop.value_or(false);
        instance.terminate_on_shutdown =
            request_.instance_initiated_shutdown_behavior.value_or("stop") == "terminate";
        instance.root_device_name = images_.image.root_device_name;
        instance.root_volume_id = VolumeId::make(context_.services.random);
        instance.root_size_bytes = images_.disks.root.shape.size_bytes;
        instance.root_attached_ms = instance.launched_ms = instance.desired_ms = now_ms_;
        return instance;
    }

    void put_options(Instance& instance) const {
        instance.cpu_credits = request_.credit_specification ? request_.credit_specification->cpu_credits
                                                             : default_credits(*wish_.type);
        instance.detailed_monitoring = request_.monitoring && request_.monitoring->enabled;
        auto maintenance = request_.maintenance_options.value_or(ec2::MaintenanceOptionsRequest());
        instance.auto_recovery = maintenance.auto_recovery.value_or("default");
        instance.capacity_preference = wish_.capacity.preference;
        instance.capacity_target = wish_.capacity.target;
    }

    // The subnet's, where the request says nothing.
    void put_hostname_options(Instance& instance) const {
        const auto& subnet = network_.primary_subnet();
        auto options = request_.private_dns_name_options.value_or(ec2::PrivateDnsNameOptionsRequest());
        instance.hostname_type = options.hostname_type.value_or(subnet.hostname_type);
        instance.resource_name_dns_a =
            options.enable_resource_name_dns_a_record.value_or(subnet.resource_name_dns_a);
        instance.resource_name_dns_aaaa =
            options.enable_resource_name_dns_aaaa_record.value_or(subnet.resource_name_dns_aaaa);
    }

    db::Session& session_;
    const RequestContext& context_;
    const ec2::RunInstancesRequest& request_;
    const LaunchWish& wish_;
    const UnixMs now_ms_;
    LaunchImages images_;
    LaunchNetwork network_;
    MetadataOptions metadata_;
    std::optional<ChosenGroup> group_;
    TenancyWish tenancy_;
    std::vector<HostId> placed_on_;  // before there turned out to be less to launch
};

Result<Response> show(db::Session& session, const RequestContext& context,
                      const std::string& reservation_id) {
    auto records =
        load_all(session, db::instances::of_reservation(session, context.account_id, reservation_id));
    auto reservations = group_by_reservation(records);
    if (!reservations.empty()) return std::move(reservations.front());
    Response forgotten;  // a retry after all of its instances have been gone for more than an hour
    forgotten.reservation_id = reservation_id;
    forgotten.owner_id = context.account_id;
    return forgotten;
}

}  // namespace

Result<ReservationId> launch_instances(db::Session& session, const RequestContext& context,
                                       const ec2::RunInstancesRequest& request, const LaunchWish& wish) {
    return Launch(session, context, request, wish).run();
}

Result<Response> run_instances(RequestContext& context, const ec2::RunInstancesRequest& request) {
    // Checked before the transaction, which others wait for; told in it, since a repeated token answers
    // first.
    auto asked = with_template(context, request);
    auto wish = asked.and_then([&](const auto& all) { return check_launch(context, all.request); });
    if (wish) wish->instance_tags.insert(wish->instance_tags.end(), asked->tags.begin(), asked->tags.end());
    return context.write([&](db::Session& session) -> Result<Response> {
        LODGE_TRY(auto earlier, replay(session, context, request.client_token));
        if (earlier) return show(session, context, *earlier);
        if (!wish) return tl::unexpected<Error>(wish.error());
        LODGE_TRY(auto reservation_id, launch_instances(session, context, asked->request, *wish));
        remember(session, context, request.client_token, reservation_id.str());
        return show(session, context, reservation_id.str());
    });
}

}  // namespace lodge::api

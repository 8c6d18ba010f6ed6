// RunInstances' parameters, checked and resolved against the store: what the launch itself needs.
#pragma once

#include <string>
#include <vector>

#include "api/actions/capacity_reservations.h"
#include "api/actions/launch_disks.h"
#include "api/actions/launch_interfaces.h"
#include "api/actions/tenancy.h"
#include "proto/ec2/instances.h"
#include "proto/model/image.h"

namespace lodge::api {

inline constexpr std::size_t max_user_data_bytes = 16 * 1024;  // raw

// What can be said without the store.
struct LaunchWish {
    const catalogue::InstanceType* type = nullptr;
    std::vector<std::string> zones;  // one, if the request names it; else those of the region
    std::int64_t core_count = 0;
    std::int64_t threads_per_core = 0;
    std::string user_data;  // raw
    std::vector<DiskWish> disks;
    std::string store_devices;  // as Instance::store_devices
    std::vector<ec2::Tag> instance_tags;
    std::vector<ec2::Tag> volume_tags;
    std::vector<ec2::Tag> interface_tags;
    std::vector<InterfaceWish> interfaces;
    CapacityWish capacity;
    TenancyWish tenancy;
};
Result<LaunchWish> check_launch(const RequestContext& context, const ec2::RunInstancesRequest& request);

// What the store adds.
struct LaunchImages {
    Image image;
    std::string kernel_id;  // the request's, or the image's
    std::string ramdisk_id;
    BootMode boot_mode = BootMode::legacy_bios;  // of its instances on the request's type
    LaunchDisks disks;
    std::string public_key;  // of the key pair; empty: none
};
Result<LaunchImages> resolve_images(db::Session& session, const RequestContext& context,
                                    const ec2::RunInstancesRequest& request, const LaunchWish& wish);

// An image by its ID, as the account may see it: InvalidAMIID.Malformed, .NotFound, .Unavailable
// (deregistered). Its own may still be pending, or have failed.
Result<Image> find_image(db::Session& session, const RequestContext& context, const std::string& id);

// The same, to make something of it: .Unavailable also as long as it is not available; of any region.
Result<Image> find_available_image(db::Session& session, const RequestContext& context,
                                   const std::string& region, const std::string& id);

// The same, to change it: AuthFailure if it is another account's.
Result<Image> find_own_image(db::Session& session, const RequestContext& context, const std::string& id);

// Whether `id`, if there is any, is a kernel or ramdisk that the account may use: find_image()'s errors,
// InvalidParameterValue for another type.
Status check_part(db::Session& session, const RequestContext& context, const std::string& id, ImageType type);

}  // namespace lodge::api

#pragma once

#include <string>

#include "proto/base/clock.h"
#include "proto/base/ids.h"
#include "proto/model/boot_mode.h"
#include "proto/model/enum_text.h"

namespace lodge {

// What the user wants. Written by the API, and by the lifecycle's rules where the guest ended by itself.
enum class Desired { running, stopped, terminated };

template <>
struct EnumText<Desired> {
    static constexpr std::array words = {std::pair{Desired::running, std::string_view("running")},
                                         std::pair{Desired::stopped, std::string_view("stopped")},
                                         std::pair{Desired::terminated, std::string_view("terminated")}};
};

inline constexpr std::array all_desired = {Desired::running, Desired::stopped, Desired::terminated};

// What clients see (EC2 API reference, InstanceState), with EC2's codes.
enum class InstanceState : std::uint8_t {
    pending = 0,
    running = 16,
    shutting_down = 32,
    terminated = 48,
    stopping = 64,
    stopped = 80
};

template <>
struct EnumText<InstanceState> {
    static constexpr std::array words = {
        std::pair{InstanceState::pending, std::string_view("pending")},
        std::pair{InstanceState::running, std::string_view("running")},
        std::pair{InstanceState::shutting_down, std::string_view("shutting-down")},
        std::pair{InstanceState::terminated, std::string_view("terminated")},
        std::pair{InstanceState::stopping, std::string_view("stopping")},
        std::pair{InstanceState::stopped, std::string_view("stopped")}};
};

struct Reservation {
    ReservationId id;
    AccountId account_id;
    std::string region;
    UnixMs created_ms = 0;
};

// How the metadata service answers the instance.
struct MetadataOptions {
    std::string http_tokens = "optional";  // "optional", "required"
    bool http_endpoint = true;
    std::int64_t hop_limit = 1;
    bool instance_tags = false;
    bool http_ipv6 = false;
};

// What an account wants of metadata options where a launch says nothing; empty and 0: no preference.
struct MetadataDefaults {
    AccountId account_id;
    std::string region;
    std::string http_tokens;    // "optional", "required"
    std::string http_endpoint;  // "enabled", "disabled"
    std::int64_t hop_limit = 0;
    std::string instance_tags;  // "enabled", "disabled"
};

// The EC2 resource. Its guests come and go; its root disk stays on one host.
struct Instance {
    InstanceId id;
    AccountId account_id;
    std::string region;
    std::string zone;
    ReservationId reservation_id;
    std::int64_t launch_index = 0;
    ImageId image_id;
    std::string kernel_id;
    std::string ramdisk_id;
    std::string instance_type;
    std::string architecture;
    BootMode boot_mode = BootMode::legacy_bios;          // the image's, at launch
    BootMode current_boot_mode = BootMode::legacy_bios;  // what comes of it on the instance's type
    std::int64_t vcpus = 0;
    std::int64_t memory_mib = 0;
    std::int64_t core_count = 0;
    std::int64_t threads_per_core = 0;
    std::string key_name;
    std::string public_key;  // of the key pair at launch, which may be deleted since; OpenSSH's one-line form
    std::string client_token;
    bool disable_api_termination = false;
    bool disable_api_stop = false;
    bool terminate_on_shutdown = false;  // InstanceInitiatedShutdownBehavior=terminate
    std::string root_device_name;
    VolumeId root_volume_id;  // empty: it was detached
    std::int64_t root_size_bytes = 0;
    UnixMs root_attached_ms = 0;
    MetadataOptions metadata;
    std::string hostname_type = "ip-name";  // "ip-name", "resource-name"
    bool resource_name_dns_a = false;
    bool resource_name_dns_aaaa = false;
    std::string cpu_credits;  // "standard", "unlimited"; empty: of a type without, or as its type begins
    bool detailed_monitoring = false;
    std::string auto_recovery = "default";     // "disabled": it may not be started elsewhere unasked
    std::string placement_group_id;            // empty: in none
    std::string placement_group_name;          // as of when it was put there
    std::int64_t partition_number = 0;         // of a partition group; 0: in none yet
    std::string capacity_preference = "open";  // "none", "capacity-reservations-only"; empty: it has a target
    std::string capacity_target;               // the only capacity reservation it may run in
    std::string tenancy = "default";           // "dedicated", "host"
    std::string affinity;                      // of a "host" one: "default", "host"
    std::string dedicated_host_id;             // that it was placed on, or is to be; empty: none
    std::int64_t store_disks = 0;              // instance-store disks that come with its type
    std::int64_t store_disk_bytes = 0;         // each
    std::string store_devices;                 // as the launch names them: "ephemeral0=/dev/sdb,…"

    Desired desired = Desired::running;
    std::int64_t generation = 1;  // raised by every change of what agents are asked for
    bool skip_os_shutdown = false;
    std::int64_t reboots_wanted = 0;
    std::int64_t interrupts_wanted = 0;  // diagnostic ones, like reboots since the guest was made
    GuestId guest_id;                    // the current or last guest
    HostId host_id;                      // where the root disk is
    UnixMs launched_ms = 0;
    UnixMs desired_ms = 0;  // when `desired` last changed
    UnixMs ended_ms = 0;    // when it became terminated; 0 before
    bool overdue = false;   // the deadline of the present transition has passed and was told
    std::string state_reason_code;
    std::string state_reason;
    std::string transition_reason;
};

}  // namespace lodge

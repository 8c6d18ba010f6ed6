// A guest for tests to start from.
#pragma once

#include "agent/domain/guest_spec.h"
#include "proto/agent/messages.h"
#include "proto/base/random.h"
#include "proto/base/result.h"

namespace lodge::agent {

inline GuestSpec example_guest() {
    GuestSpec spec;
    spec.guest_id = *GuestId::parse("g-0fedcba9876543210");
    spec.instance_id = *InstanceId::parse("i-0123456789abcdef0");
    spec.host_id = *HostId::parse("h-00000000000000001");
    spec.instance_type = "t3.small";
    spec.architecture = "x86_64";
    spec.vcpus = 2;
    spec.core_count = 1;
    spec.threads_per_core = 2;
    spec.memory_mib = 2048;
    spec.root.volume_id = *VolumeId::parse("vol-0a1b2c3d4e5f60718");
    spec.root.target = "vda";
    spec.root.path = "/var/lib/lodge/agent/disks/vol-0a1b2c3d4e5f60718.qcow2";
    spec.root.bases = {{"/var/lib/lodge/agent/images/0000111122223333", "qcow2"}};
    spec.console_path = "/var/lib/lodge/agent/consoles/i-0123456789abcdef0.log";
    return spec;
}

inline Status open_gate() {
    return {};
}

inline Nic example_nic(int n = 1) {
    const std::string digits = std::to_string(10000000000000000 + n);
    const std::string two = std::to_string(10 + n);
    return {*NetworkInterfaceId::parse("eni-" + digits), "0b5f1c3e-2d4a-4c6b-8e7f-0123456789" + two,
            "02:00:00:00:00:" + two, 1442};
}

// Guest and instance number `n` of those.
inline GuestSpec numbered_guest(int n) {
    GuestSpec spec = example_guest();
    const std::string digits = std::to_string(10000000000000000 + n);
    spec.guest_id = *GuestId::parse("g-" + digits);
    spec.instance_id = *InstanceId::parse("i-" + digits);
    spec.root.volume_id = *VolumeId::parse("vol-" + digits);
    return spec;
}

// One as the control plane wants it, just placed, without an interface.
inline link::DesiredGuest desired_guest(Random& random) {
    link::DesiredGuest made;
    made.guest_id = GuestId::make(random);
    made.instance_id = InstanceId::make(random);
    made.root_volume_id = VolumeId::make(random);
    made.generation = 1;
    made.vcpus = made.core_count = made.threads_per_core = 1;
    made.memory_mib = 128;
    made.architecture = "x86_64";
    made.image = {std::string(64, 'a'), "qcow2", 1};
    return made;
}

// The interface that is example_nic(n) on the host.
inline link::GuestInterface desired_interface(int n) {
    const Nic nic = example_nic(n);
    link::GuestInterface made;
    made.network_interface_id = nic.network_interface_id;
    made.port_uuid = nic.port_uuid;
    made.mac = nic.mac;
    made.vpc_id = VpcId::trusted("vpc-00000000000000001");
    made.subnet_id = SubnetId::trusted("subnet-00000000000000001");
    made.subnet_cidr = "10.0.0.0/24";
    made.vpc_cidrs = {"10.0.0.0/16"};
    return made;
}

}  // namespace lodge::agent

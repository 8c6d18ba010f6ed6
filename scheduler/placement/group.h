// A placement group as placement sees it. Source: EC2 user guide, "Placement strategies for your placement
// groups". A host is the smallest thing here that fails as a whole: it stands for EC2's racks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/base/ids.h"

namespace lodge::scheduler {

enum class GroupStrategy : std::uint8_t {
    cluster,    // in one zone, on as few hosts as there can be
    spread,     // no two on one host
    partition,  // no host has instances of two partitions
};

struct GroupRule {
    // One instance of the group that holds capacity on a host.
    struct Holder {
        HostId host;
        std::int64_t partition = 0;  // 0 in groups without partitions
    };

    GroupStrategy strategy = GroupStrategy::cluster;
    std::int64_t partitions = 0;  // of a partition group: they count from 1 to this
    std::int64_t partition =
        0;  // that all new instances go into; 0: where there are fewest, instance by instance
    std::vector<Holder> holders;
};

}  // namespace lodge::scheduler

#include "scheduler/network/names.h"

#include <algorithm>

#include "scheduler/network/make.h"

namespace lodge::network {

std::string ip_name(std::string_view region, std::string_view address) {
    std::string name = "ip-" + std::string(address);
    std::replace(name.begin(), name.end(), '.', '-');
    return name + "." + private_domain(region);
}

std::string host_name(const Instance& instance, std::string_view address) {
    if (instance.hostname_type == "resource-name")
        return instance.id.str() + "." + private_domain(instance.region);
    return ip_name(instance.region, address);
}

}  // namespace lodge::network

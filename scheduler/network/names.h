// Names of addresses and instances inside their VPC. Source: Amazon EC2 User Guide, "EC2 instance hostnames
// and domains". Pure.
#pragma once

#include <string>
#include <string_view>

#include "proto/model/instance.h"

namespace lodge::network {

// "ip-10-0-0-5.ec2.internal".
std::string ip_name(std::string_view region, std::string_view address);
// What the instance is called: by its primary private address or by its ID, as its options say.
std::string host_name(const Instance& instance, std::string_view address);

}  // namespace lodge::network

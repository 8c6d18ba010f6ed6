// Names and addresses in OVN that the control plane writes and agents have to know: made of IDs, so that
// nobody has to be told. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>

namespace lodge {

// Of every VPC's own services: metadata, and the resolver besides the one at the VPC's network plus two.
inline constexpr std::string_view imds_address = "169.254.169.254";
inline constexpr std::string_view dns_address = "169.254.169.253";

// A locally administered MAC address out of a key, always the same.
std::string mac_of(std::string_view key);
// A UUID out of a key, always the same.
std::string uuid_of(std::string_view key);

// Of the port through which guests of a subnet reach the metadata service on their own host.
std::string imds_port_name(std::string_view subnet_id);
std::string imds_port_mac(std::string_view subnet_id);

}  // namespace lodge

#include "proto/base/network_names.h"

#include "proto/base/encoding.h"

namespace lodge {
namespace {

std::string imds_key(std::string_view subnet_id) {
    return std::string(subnet_id) + "/imds";
}

}  // namespace

std::string mac_of(std::string_view key) {
    auto hex = hex_encode(sha256(key));
    std::string mac = "02";
    for (std::size_t i = 0; i < 5; ++i) mac += ":" + hex.substr(2 * i, 2);
    return mac;
}

std::string uuid_of(std::string_view key) {
    auto hex = hex_encode(sha256(key));
    return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-4" + hex.substr(13, 3) + "-8" + hex.substr(17, 3) +
           "-" + hex.substr(20, 12);
}

std::string imds_port_name(std::string_view subnet_id) {
    return uuid_of(imds_key(subnet_id));
}

std::string imds_port_mac(std::string_view subnet_id) {
    return mac_of(imds_key(subnet_id));
}

}  // namespace lodge

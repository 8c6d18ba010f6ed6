// A packet in the language of ovn-trace(8).
#include "scheduler/network/explain_parts.h"

namespace lodge::network {
namespace {

constexpr std::size_t most_trackers = 8;  // two for each interface and each translation

std::string layer_four(const Packet& packet) {
    auto equals = [](const std::string& field, std::int64_t value) {
        return " && " + field + " == " + std::to_string(value);
    };
    if (packet.protocol == "tcp") return " && tcp.src == 40000" + equals("tcp.dst", packet.ports.from);
    if (packet.protocol == "udp") {
        std::int64_t source = packet.ports.from == 67 ? 68 : 40000;
        return equals("udp.src", source) + equals("udp.dst", packet.ports.from);
    }
    if (packet.protocol.starts_with("icmp")) {
        std::string field = packet.source.is_ipv6() ? "icmp6" : "icmp4";
        return equals(field + ".type", packet.icmp_type) + equals(field + ".code", 0);
    }
    return " && ip.proto == " + packet.protocol;
}

}  // namespace

Microflow microflow(const std::string& datapath, const std::string& port, const std::string& source_mac,
                    const std::string& destination_mac, const Packet& packet) {
    std::string family = packet.source.is_ipv6() ? "ip6" : "ip4";
    return {datapath,
            "inport == \"" + port + "\" && eth.src == " + source_mac + " && eth.dst == " + destination_mac +
                " && " + family + ".src == " + packet.source.str() + " && " + family +
                ".dst == " + packet.destination.str() + " && ip.ttl == 64" + layer_four(packet),
            std::vector<std::string>(most_trackers, "new")};
}

}  // namespace lodge::network

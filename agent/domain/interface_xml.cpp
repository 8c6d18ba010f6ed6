#include "agent/domain/interface_xml.h"

#include <string_view>

#include "agent/domain/xml_text.h"

namespace lodge::agent {
namespace {

using pugi::xml_node;

constexpr const char* integration_bridge = "br-int";  // OVN's
constexpr std::string_view alias_prefix = "ua-";

}  // namespace

std::string port_profile(const HostId& owner) {
    return "lodge-" + owner.str();
}

std::string interface_alias(const NetworkInterfaceId& id) {
    return std::string(alias_prefix) + id.str();
}

// The tap's name is left to libvirt ("vnet7"): the machine's rules go by it. Without its ROM no firmware
// tries to boot from the network. No filter of libvirt's: OVN does that.
void add_interface(xml_node devices, const Nic& nic, const HostId& owner) {
    xml_node interface = devices.append_child("interface");
    interface.append_attribute("type") = "bridge";
    interface.append_child("mac").append_attribute("address") = nic.mac.c_str();
    interface.append_child("source").append_attribute("bridge") = integration_bridge;
    xml_node port = interface.append_child("virtualport");
    port.append_attribute("type") = "openvswitch";
    xml_node parameters = port.append_child("parameters");
    parameters.append_attribute("interfaceid") = nic.port_uuid.c_str();
    parameters.append_attribute("profileid") = port_profile(owner).c_str();
    interface.append_child("model").append_attribute("type") = "virtio";
    if (nic.mtu > 0) interface.append_child("mtu").append_attribute("size") = static_cast<long long>(nic.mtu);
    interface.append_child("alias").append_attribute("name") =
        interface_alias(nic.network_interface_id).c_str();
    interface.append_child("rom").append_attribute("enabled") = "no";
}

std::string interface_xml(const Nic& nic, const HostId& owner) {
    pugi::xml_document document;
    add_interface(document, nic, owner);
    return text_of(document);
}

std::optional<NetworkInterfaceId> parse_interface(xml_node element) {
    const std::string_view alias = element.child("alias").attribute("name").value();
    if (!alias.starts_with(alias_prefix)) return std::nullopt;
    return NetworkInterfaceId::parse(alias.substr(alias_prefix.size()));
}

}  // namespace lodge::agent

#include "agent/domain/interface_xml.h"

#include "agent/domain/device_alias.h"
#include "agent/domain/xml_text.h"

namespace lodge::agent {
namespace {

using pugi::xml_node;

constexpr const char* integration_bridge = "br-int";  // OVN's

}  // namespace

std::string port_profile(const HostId& owner) {
    return "lodge-" + owner.str();
}

std::string interface_alias(const NetworkInterfaceId& id) {
    return device_alias(id);
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
    return parse_device_alias<NetworkInterfaceId>(element);
}

}  // namespace lodge::agent

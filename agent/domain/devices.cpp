#include "agent/domain/devices.h"

#include "agent/domain/disk_xml.h"
#include "agent/domain/interface_xml.h"
#include "proto/model/volume.h"

namespace lodge::agent {
namespace {

using pugi::xml_node;

// A pty, for whoever wants to type; virtlogd copies all output into the file, whether or not anybody reads
// the pty.
void add_console(xml_node devices, const GuestSpec& spec) {
    xml_node serial = devices.append_child("serial");
    serial.append_attribute("type") = "pty";
    xml_node log = serial.append_child("log");
    log.append_attribute("file") = spec.console_path.c_str();
    log.append_attribute("append") = "on";
    xml_node target = serial.append_child("target");
    target.append_attribute("type") = "isa-serial";
    target.append_attribute("port") = 0;
}

// For qemu-guest-agent, if the guest has it: it says which file systems are mounted, and stills them while a
// snapshot is taken. libvirt chooses the socket.
void add_guest_agent(xml_node devices) {
    xml_node channel = devices.append_child("channel");
    channel.append_attribute("type") = "unix";
    xml_node target = channel.append_child("target");
    target.append_attribute("type") = "virtio";
    target.append_attribute("name") = guest_agent_channel;
}

void add_entropy(xml_node devices) {
    xml_node rng = devices.append_child("rng");
    rng.append_attribute("model") = "virtio";
    xml_node backend = rng.append_child("backend");
    backend.append_attribute("model") = "random";
    backend.text().set("/dev/urandom");
}

// How many interfaces may be attached while the guest runs: about what EC2 allows its types. Each port costs
// an emulated guest some 17 ms of its boot.
std::size_t spare_ports(const GuestSpec& spec) {
    return spec.vcpus <= 8 ? 4 : spec.vcpus <= 32 ? 8 : 15;
}

// Room for all volumes that an instance may have, whether they are there at the start or not.
std::size_t disk_ports(const GuestSpec& spec) {
    return static_cast<std::size_t>(most_data_volumes(spec.vcpus));
}

void add_controller(xml_node devices, std::size_t index, const char* model) {
    xml_node controller = devices.append_child("controller");
    controller.append_attribute("type") = "pci";
    controller.append_attribute("index") = static_cast<unsigned>(index);
    controller.append_attribute("model") = model;
}

// libvirt puts what is there at the start into these as well: disks, entropy, balloon, the guest agent's
// serial controller and interfaces.
void add_ports(xml_node devices, const GuestSpec& spec) {
    constexpr std::size_t fixed = 4;
    const std::size_t ports =
        fixed + spec.interfaces.size() + spec.store_disks.size() + spare_ports(spec) + disk_ports(spec);
    add_controller(devices, 0, "pcie-root");
    for (std::size_t index = 1; index <= ports; ++index) add_controller(devices, index, "pcie-root-port");
}

// What libvirt would add unasked.
void leave_out(xml_node devices) {
    xml_node usb = devices.append_child("controller");
    usb.append_attribute("type") = "usb";
    usb.append_attribute("model") = "none";
    devices.append_child("video").append_child("model").append_attribute("type") = "none";
}

}  // namespace

void add_devices(xml_node domain, const GuestSpec& spec) {
    xml_node devices = domain.append_child("devices");
    add_disk(devices, spec.root);
    for (const DiskSpec& disk : spec.disks) add_disk(devices, disk);
    for (std::size_t number = 0; number < spec.store_disks.size(); ++number)
        add_store_disk(devices, spec.store_disks[number], number);
    for (const Nic& nic : spec.interfaces) add_interface(devices, nic, spec.host_id);
    add_ports(devices, spec);
    add_console(devices, spec);
    add_guest_agent(devices);
    add_entropy(devices);
    devices.append_child("memballoon").append_attribute("model") = "virtio";
    leave_out(devices);
}

}  // namespace lodge::agent

#include "agent/domain/devices.h"

#include <algorithm>

#include "agent/domain/interface_xml.h"

namespace lodge::agent {
namespace {

using pugi::xml_node;

// The volume's ID without its dash: 20 bytes, which is all that virtio-blk has room for.
std::string disk_serial(const VolumeId& volume_id) {
    std::string serial = volume_id.str();
    std::erase(serial, '-');
    return serial;
}

// The image under the overlay. Naming it keeps libvirt from following a backing file that the image itself
// may claim, and from giving QEMU's user ownership of what other guests read.
void add_base(xml_node disk, const GuestSpec& spec) {
    xml_node base = disk.append_child("backingStore");
    base.append_attribute("type") = "file";
    base.append_child("format").append_attribute("type") = spec.base_format.c_str();
    xml_node source = base.append_child("source");
    source.append_attribute("file") = spec.base_path.c_str();
    xml_node label = source.append_child("seclabel");
    label.append_attribute("model") = "dac";
    label.append_attribute("relabel") = "no";
    base.append_child("backingStore");
}

// Write-back: a guest's flush reaches the disk as with cache=none, and all guests of an image read it from
// the host's page cache once. Discard: what a guest trims is freed on the host.
void add_root_disk(xml_node devices, const GuestSpec& spec) {
    xml_node disk = devices.append_child("disk");
    disk.append_attribute("type") = "file";
    disk.append_attribute("device") = "disk";
    xml_node driver = disk.append_child("driver");
    driver.append_attribute("name") = "qemu";
    driver.append_attribute("type") = "qcow2";
    driver.append_attribute("cache") = "writeback";
    driver.append_attribute("discard") = "unmap";
    disk.append_child("source").append_attribute("file") = spec.root_path.c_str();
    if (!spec.base_path.empty()) add_base(disk, spec);
    xml_node target = disk.append_child("target");
    target.append_attribute("dev") = "vda";
    target.append_attribute("bus") = "virtio";
    disk.append_child("serial").text().set(disk_serial(spec.root_volume_id).c_str());
}

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

void add_controller(xml_node devices, std::size_t index, const char* model) {
    xml_node controller = devices.append_child("controller");
    controller.append_attribute("type") = "pci";
    controller.append_attribute("index") = static_cast<unsigned>(index);
    controller.append_attribute("model") = model;
}

// libvirt puts what is there at the start into these as well: disk, entropy, balloon and interfaces.
void add_ports(xml_node devices, const GuestSpec& spec) {
    constexpr std::size_t fixed = 3;
    const std::size_t ports = fixed + spec.interfaces.size() + spare_ports(spec);
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
    add_root_disk(devices, spec);
    for (const Nic& nic : spec.interfaces) add_interface(devices, nic, spec.host_id);
    add_ports(devices, spec);
    add_console(devices, spec);
    add_entropy(devices);
    devices.append_child("memballoon").append_attribute("model") = "virtio";
    leave_out(devices);
}

}  // namespace lodge::agent

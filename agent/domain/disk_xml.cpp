#include "agent/domain/disk_xml.h"

#include <algorithm>

#include "agent/domain/device_alias.h"
#include "agent/domain/xml_text.h"

namespace lodge::agent {
namespace {

using pugi::xml_node;

// The volume's ID without its dash: 20 bytes, which is all that virtio-blk has room for.
std::string disk_serial(const VolumeId& volume_id) {
    std::string serial = volume_id.str();
    std::erase(serial, '-');
    return serial;
}

// libvirt hands QEMU the passphrase that is kept under that UUID.
void add_encryption(xml_node source, const link::DiskKey& key) {
    xml_node encryption = source.append_child("encryption");
    encryption.append_attribute("format") = "luks";
    encryption.append_attribute("engine") = "qemu";
    xml_node secret = encryption.append_child("secret");
    secret.append_attribute("type") = "passphrase";
    secret.append_attribute("uuid") = key.id.c_str();
}

void add_source(xml_node disk, const DiskSpec& spec) {
    xml_node source = disk.append_child("source");
    source.append_attribute("file") = spec.path.c_str();
    if (!spec.key.id.empty()) add_encryption(source, spec.key);
}

// What lies under the disk. Naming all of it keeps libvirt from following a backing file that an image itself
// may claim, and from giving QEMU's user ownership of what other guests read.
void add_bases(xml_node disk, const DiskSpec& spec) {
    xml_node above = disk;
    for (const BaseFile& base : spec.bases) {
        xml_node element = above.append_child("backingStore");
        element.append_attribute("type") = "file";
        element.append_child("format").append_attribute("type") = base.format.c_str();
        xml_node source = element.append_child("source");
        source.append_attribute("file") = base.path.c_str();
        if (base.encrypted) add_encryption(source, spec.key);
        if (!base.own) {
            xml_node label = source.append_child("seclabel");
            label.append_attribute("model") = "dac";
            label.append_attribute("relabel") = "no";
        }
        above = element;
    }
    above.append_child("backingStore");
}

void add_limit(xml_node tune, const char* name, std::int64_t value) {
    if (value > 0) tune.append_child(name).text().set(static_cast<long long>(value));
}

// Write-back: a guest's flush reaches the disk as with cache=none, and all guests of an image read it from
// the host's page cache once. Discard: what a guest trims is freed on the host.
xml_node add_qcow2(xml_node devices) {
    xml_node disk = devices.append_child("disk");
    disk.append_attribute("type") = "file";
    disk.append_attribute("device") = "disk";
    xml_node driver = disk.append_child("driver");
    driver.append_attribute("name") = "qemu";
    driver.append_attribute("type") = "qcow2";
    driver.append_attribute("cache") = "writeback";
    driver.append_attribute("discard") = "unmap";
    return disk;
}

void add_target(xml_node disk, const std::string& name) {
    xml_node target = disk.append_child("target");
    target.append_attribute("dev") = name.c_str();
    target.append_attribute("bus") = "virtio";
}

}  // namespace

std::string disk_alias(const VolumeId& id) {
    return device_alias(id);
}

void add_disk(xml_node devices, const DiskSpec& spec) {
    xml_node disk = add_qcow2(devices);
    add_source(disk, spec);
    add_bases(disk, spec);
    add_target(disk, spec.target);
    if (spec.limits != DiskLimits{}) {
        xml_node tune = disk.append_child("iotune");
        add_limit(tune, "total_bytes_sec", spec.limits.bytes_per_s);
        add_limit(tune, "total_iops_sec", spec.limits.iops);
    }
    disk.append_child("serial").text().set(disk_serial(spec.volume_id).c_str());
    disk.append_child("alias").append_attribute("name") = disk_alias(spec.volume_id).c_str();
}

// "vdda" and so on are no volume's.
void add_store_disk(xml_node devices, const std::string& path, std::size_t number) {
    xml_node disk = add_qcow2(devices);
    disk.append_child("source").append_attribute("file") = path.c_str();
    disk.append_child("backingStore");
    add_target(disk, std::string("vdd") + static_cast<char>('a' + number));
    disk.append_child("serial").text().set(("ephemeral" + std::to_string(number)).c_str());
}

std::string disk_xml(const DiskSpec& spec) {
    pugi::xml_document document;
    add_disk(document, spec);
    return text_of(document);
}

std::string cut_xml(const std::vector<DiskSpec>& disks, const std::vector<std::string>& other_targets) {
    pugi::xml_document document;
    xml_node list = document.append_child("domainsnapshot").append_child("disks");
    const auto add = [&](const std::string& target, const char* kind) {
        xml_node disk = list.append_child("disk");
        disk.append_attribute("name") = target.c_str();
        disk.append_attribute("snapshot") = kind;
        return disk;
    };
    for (const DiskSpec& spec : disks) {
        xml_node disk = add(spec.target, "external");
        disk.append_attribute("type") = "file";
        disk.append_child("driver").append_attribute("type") = "qcow2";
        add_source(disk, spec);
    }
    for (const std::string& target : other_targets) add(target, "no");
    return text_of(document);
}

std::string secret_xml(const link::DiskKey& key) {
    pugi::xml_document document;
    xml_node secret = document.append_child("secret");
    secret.append_attribute("ephemeral") = "yes";
    secret.append_attribute("private") = "yes";
    secret.append_child("uuid").text().set(key.id.c_str());
    xml_node usage = secret.append_child("usage");
    usage.append_attribute("type") = "volume";
    usage.append_child("volume").text().set(("lodge-key-" + key.id).c_str());
    return text_of(document);
}

std::optional<VolumeId> parse_disk(xml_node element) {
    return parse_device_alias<VolumeId>(element);
}

}  // namespace lodge::agent

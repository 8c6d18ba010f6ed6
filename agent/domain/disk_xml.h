// A guest's disk as libvirt's XML: virtio, with the volume's ID as its serial, so that the guest finds it.
// Pure functions; any thread.
#pragma once

#include <optional>
#include <pugixml.hpp>
#include <string>
#include <vector>

#include "agent/domain/guest_spec.h"

namespace lodge::agent {

// The device's name inside its domain: "ua-vol-0123…". libvirt keeps names that begin with "ua-".
std::string disk_alias(const VolumeId& id);

void add_disk(pugi::xml_node devices, const DiskSpec& spec);
std::string disk_xml(const DiskSpec& spec);
// Instance-store disk `number`, whose serial is "ephemeral0", "ephemeral1", ….
void add_store_disk(pugi::xml_node devices, const std::string& path, std::size_t number);

// What libvirt is to do for cut_disks(): new files for those disks, nothing for the other targets.
std::string cut_xml(const std::vector<DiskSpec>& disks, const std::vector<std::string>& other_targets);

// How libvirt is to keep the key's passphrase, which is not in it: in memory, and for nobody to read.
std::string secret_xml(const link::DiskKey& key);

// Reads a <disk>; nothing if it is none of Lodge's.
std::optional<VolumeId> parse_disk(pugi::xml_node element);

}  // namespace lodge::agent

#include "agent/domain/live_domain.h"

#include <string_view>

#include "agent/domain/devices.h"
#include "agent/domain/disk_file.h"
#include "agent/domain/disk_xml.h"
#include "agent/domain/interface_xml.h"

namespace lodge::agent {
namespace {

std::optional<DiskFile> file_of(pugi::xml_node element) {
    return parse_disk_file(element.child("source").attribute("file").value());
}

// The one that nothing lies under, if it is a disk's; nothing, too, if libvirt does not say what lies under
// it.
std::optional<DiskFile> lowest_file(pugi::xml_node element) {
    for (pugi::xml_node under = element.child("backingStore"); under; under = element.child("backingStore")) {
        if (!under.child("source")) return file_of(element);
        element = under;
    }
    return std::nullopt;
}

void add_disk(pugi::xml_node element, LiveDomain& out) {
    const auto id = parse_disk(element);
    out.targets[element.child("target").attribute("dev").value()] = id.value_or(VolumeId());
    if (!id) return;
    out.disks.push_back(*id);
    const auto file = file_of(element);
    if (file && file->number > 0) out.cuts[*id] = file->number;
    if (const auto lowest = lowest_file(element); lowest && lowest->volume_id == *id)
        out.flat[*id] = lowest->number;
}

bool is_open_agent(pugi::xml_node target) {
    return std::string_view(target.attribute("name").value()) == guest_agent_channel &&
           std::string_view(target.attribute("state").value()) == "connected";
}

}  // namespace

std::optional<LiveDomain> parse_live_domain(const std::string& xml) {
    pugi::xml_document document;
    if (!document.load_buffer(xml.data(), xml.size())) return std::nullopt;
    const pugi::xml_node domain = document.child("domain");
    const pugi::xml_node metadata = domain.child("metadata");
    auto tag = parse_guest_tag(metadata.child("lodge:guest"));
    if (!tag) return std::nullopt;
    LiveDomain found{std::move(*tag), !metadata.child("lodge-held:held").empty(), {}, {}, {}, {}, false, {}};
    for (const pugi::xml_node interface : domain.child("devices").children("interface"))
        if (auto id = parse_interface(interface)) found.interfaces.push_back(std::move(*id));
    for (const pugi::xml_node disk : domain.child("devices").children("disk")) add_disk(disk, found);
    for (const pugi::xml_node channel : domain.child("devices").children("channel"))
        if (is_open_agent(channel.child("target"))) found.has_agent = true;
    return found;
}

}  // namespace lodge::agent

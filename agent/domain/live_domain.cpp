#include "agent/domain/live_domain.h"

#include "agent/domain/disk_xml.h"
#include "agent/domain/interface_xml.h"

namespace lodge::agent {

std::optional<LiveDomain> parse_live_domain(const std::string& xml) {
    pugi::xml_document document;
    if (!document.load_buffer(xml.data(), xml.size())) return std::nullopt;
    const pugi::xml_node domain = document.child("domain");
    const pugi::xml_node metadata = domain.child("metadata");
    auto tag = parse_guest_tag(metadata.child("lodge:guest"));
    if (!tag) return std::nullopt;
    LiveDomain found{std::move(*tag), !metadata.child("lodge-held:held").empty(), {}, {}};
    for (const pugi::xml_node interface : domain.child("devices").children("interface"))
        if (auto id = parse_interface(interface)) found.interfaces.push_back(std::move(*id));
    for (const pugi::xml_node disk : domain.child("devices").children("disk"))
        if (auto id = parse_disk(disk)) found.disks.push_back(std::move(*id));
    return found;
}

}  // namespace lodge::agent

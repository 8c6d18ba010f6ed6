#include "agent/domain/guest_tag.h"

#include <string_view>

namespace lodge::agent {

void write_guest_tag(pugi::xml_node metadata, const GuestTag& tag) {
    pugi::xml_node element = metadata.append_child("lodge:guest");
    element.append_attribute("xmlns:lodge") = guest_tag_namespace;
    element.append_attribute("id") = tag.guest_id.str().c_str();
    element.append_attribute("instance") = tag.instance_id.str().c_str();
    element.append_attribute("host") = tag.host_id.str().c_str();
}

void write_held_mark(pugi::xml_node metadata) {
    metadata.append_child("lodge-held:held").append_attribute("xmlns:lodge-held") = held_mark_namespace;
}

std::optional<GuestTag> parse_guest_tag(const std::string& xml) {
    pugi::xml_document document;
    if (!document.load_buffer(xml.data(), xml.size())) return std::nullopt;
    return parse_guest_tag(document.document_element());
}

std::optional<GuestTag> parse_guest_tag(pugi::xml_node element) {
    const std::string_view name = element.name();
    if (name != "guest" && name != "lodge:guest") return std::nullopt;
    const auto guest_id = GuestId::parse(element.attribute("id").value());
    const auto instance_id = InstanceId::parse(element.attribute("instance").value());
    const auto host_id = HostId::parse(element.attribute("host").value());
    if (!guest_id || !instance_id || !host_id) return std::nullopt;
    return GuestTag{*guest_id, *instance_id, *host_id};
}

}  // namespace lodge::agent

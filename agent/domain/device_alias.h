// Inside agent/domain only: the names under which Lodge knows its devices in a domain again. libvirt keeps
// those that begin with "ua-".
#pragma once

#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>

namespace lodge::agent {

inline constexpr std::string_view alias_prefix = "ua-";

template <class Id>
std::string device_alias(const Id& id) {
    return std::string(alias_prefix) + id.str();
}

// Reads the <alias> of a device; nothing if it names none of that kind of Lodge's.
template <class Id>
std::optional<Id> parse_device_alias(pugi::xml_node device) {
    const std::string_view alias = device.child("alias").attribute("name").value();
    if (!alias.starts_with(alias_prefix)) return std::nullopt;
    return Id::parse(alias.substr(alias_prefix.size()));
}

}  // namespace lodge::agent

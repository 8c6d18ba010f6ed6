// What a guest finds under http://169.254.169.254: pure. Sources: Amazon EC2 User Guide, "Instance metadata
// categories", "Dynamic data categories"; cloud-init's Ec2 data source, which walks the listings.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "proto/agent/messages.h"

namespace lodge::agent {

// The paths below a version, and what is at each. Immutable; any thread.
class MetadataTree {
  public:
    // `launch` is null while the control plane has not told it.
    MetadataTree(const link::DesiredGuest& guest, const link::LaunchDataReply* launch);

    struct Found {
        std::string text;
        bool not_yet = false;   // it is there, or may be, but the control plane has yet to tell
        bool is_bytes = false;  // what the user gave, of any kind
    };
    // Of a path from the root on, such as "/latest/meta-data/mac". A folder, with or without a slash behind,
    // is its listing. Nothing when there is no such path, or not in the version named.
    std::optional<Found> find(std::string_view path) const;

  private:
    // Nothing is there that has no value.
    void add(std::string path, std::string value);
    void add_interface(const link::GuestInterface& interface);
    std::string listing(const std::string& folder) const;

    std::map<std::string, std::string> leaves_;  // by path: "meta-data/mac"
    std::map<std::string, std::string> labels_;  // how a listing names an entry, where not by its name
    bool launch_known_ = false;
};

}  // namespace lodge::agent

// What the metadata service keeps on the disk, so that it goes on without the control plane: whole files, for
// their owner alone. Calls block. Reading: any thread; keeping: one at a time.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/network/metadata_sink.h"
#include "proto/agent/messages.h"
#include "proto/base/random.h"
#include "proto/base/result.h"

namespace lodge::agent {

class MetadataFolder {
  public:
    // Makes what is missing, and takes away what a crash left unfinished.
    static Result<MetadataFolder> open(std::filesystem::path path, Random& random);

    // 32 bytes that only this host has.
    const std::string& key() const { return key_; }

    // As last kept; none when there is nothing that can be read.
    std::vector<link::DesiredGuest> guests() const;
    std::vector<MetadataNetwork> networks() const;
    std::optional<link::LaunchDataReply> launch_data(const GuestId& guest_id) const;

    Status keep_networks(const std::vector<MetadataNetwork>& networks) const;
    Status keep_launch_data(const GuestId& guest_id, const link::LaunchDataReply& launch) const;
    // Removes the launch data of all others.
    Status keep_guests(const std::vector<link::DesiredGuest>& guests) const;

  private:
    explicit MetadataFolder(std::filesystem::path path) : path_(std::move(path)) {}
    Status load_key(Random& random);
    std::filesystem::path launch_file(const GuestId& guest_id) const;

    std::filesystem::path path_;
    std::string key_;
};

}  // namespace lodge::agent

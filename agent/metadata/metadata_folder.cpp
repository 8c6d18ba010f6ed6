#include "agent/metadata/metadata_folder.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "agent/storage/files.h"

namespace lodge::agent {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::size_t key_bytes = 32;
constexpr unsigned private_folder = 0700;
constexpr unsigned private_file = 0600;

std::string read_file(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::string to_text(const std::vector<MetadataNetwork>& networks) {
    Json all = Json::array();
    for (const auto& each : networks)
        all.push_back({{"vpc_id", each.vpc_id.str()},
                       {"netns", each.netns},
                       {"netns_inode", each.netns_inode},
                       {"addresses", each.addresses}});
    return all.dump();
}

std::vector<MetadataNetwork> parse_networks(const std::string& text) {
    std::vector<MetadataNetwork> out;
    try {
        for (const auto& each : Json::parse(text)) {
            auto vpc_id = VpcId::parse(each.at("vpc_id").get<std::string>());
            if (!vpc_id) return {};
            out.push_back({*vpc_id, each.at("netns").get<std::string>(),
                           each.at("netns_inode").get<std::uint64_t>(),
                           each.at("addresses").get<std::vector<std::string>>()});
        }
    } catch (const Json::exception&) {
        return {};  // damaged: the agent tells soon
    }
    return out;
}

}  // namespace

Result<MetadataFolder> MetadataFolder::open(fs::path path, Random& random) {
    MetadataFolder made(std::move(path));
    const auto launch = made.path_ / "launch";
    LODGE_CHECK(make_folder(made.path_, private_folder));
    LODGE_CHECK(make_folder(launch, private_folder));
    LODGE_CHECK(sweep_temporary(made.path_));
    LODGE_CHECK(sweep_temporary(launch));
    LODGE_CHECK(made.load_key(random));
    return made;
}

Status MetadataFolder::load_key(Random& random) {
    const auto file = path_ / "token.key";
    key_ = read_file(file);
    if (key_.size() == key_bytes) return {};
    key_.resize(key_bytes);
    random.fill(key_.data(), key_.size());
    return write_file(file, key_, private_file);
}

fs::path MetadataFolder::launch_file(const GuestId& guest_id) const {
    return path_ / "launch" / (guest_id.str() + ".json");
}

std::vector<link::DesiredGuest> MetadataFolder::guests() const {
    auto kept = link::from_json<link::PollReply>(read_file(path_ / "guests.json"));
    return kept ? std::move(kept->guests) : std::vector<link::DesiredGuest>();
}

std::vector<MetadataNetwork> MetadataFolder::networks() const {
    return parse_networks(read_file(path_ / "networks.json"));
}

std::optional<link::LaunchDataReply> MetadataFolder::launch_data(const GuestId& guest_id) const {
    auto kept = link::from_json<link::LaunchDataReply>(read_file(launch_file(guest_id)));
    if (!kept) return std::nullopt;
    return std::move(*kept);
}

Status MetadataFolder::keep_networks(const std::vector<MetadataNetwork>& networks) const {
    return write_file(path_ / "networks.json", to_text(networks), private_file);
}

Status MetadataFolder::keep_launch_data(const GuestId& guest_id, const link::LaunchDataReply& launch) const {
    return write_file(launch_file(guest_id), link::to_json(launch), private_file);
}

Status MetadataFolder::keep_guests(const std::vector<link::DesiredGuest>& guests) const {
    LODGE_CHECK(write_file(path_ / "guests.json", link::to_json(link::PollReply{"", true, guests, {}}),
                           private_file));
    std::set<fs::path> needed;
    for (const auto& guest : guests) needed.insert(launch_file(guest.guest_id));
    std::vector<fs::path> old;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(path_ / "launch", error))
        if (!needed.contains(entry.path())) old.push_back(entry.path());
    for (const auto& file : old) LODGE_CHECK(remove_file(file));
    return {};
}

}  // namespace lodge::agent

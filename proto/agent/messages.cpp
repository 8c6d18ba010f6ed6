#include "proto/agent/messages.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "proto/agent/leftovers.h"
#include "proto/base/encoding.h"

namespace lodge {

// IDs and enumerations as their words; no ID is an empty one.
template <class Kind>
void to_json(nlohmann::json& json, const Id<Kind>& id) {
    json = id.str();
}

template <class Kind>
void from_json(const nlohmann::json& json, Id<Kind>& id) {
    const auto& text = json.get_ref<const std::string&>();
    auto known = text.empty() ? Id<Kind>() : Id<Kind>::parse(text);
    if (!known) throw nlohmann::json::other_error::create(501, "malformed ID", &json);
    id = *known;
}

template <class E>
requires(EnumText<E>::words.size() > 0) void to_json(nlohmann::json& json, const E& value) {
    json = std::string(to_text(value));
}

template <class E>
requires(EnumText<E>::words.size() > 0) void from_json(const nlohmann::json& json, E& value) {
    auto known = from_text<E>(json.get_ref<const std::string&>());
    if (!known) throw nlohmann::json::other_error::create(501, "unknown word", &json);
    value = *known;
}

namespace link {

// Console output is bytes, and JSON is UTF-8.
void to_json(nlohmann::json& json, const ConsoleOutput& output) {
    json = {{"instance_id", output.instance_id}, {"bytes", base64_encode(output.bytes)}};
}

void from_json(const nlohmann::json& json, ConsoleOutput& output) {
    json.at("instance_id").get_to(output.instance_id);
    auto bytes = base64_decode(json.at("bytes").get_ref<const std::string&>());
    if (!bytes) throw nlohmann::json::other_error::create(501, "not base64", &json);
    output.bytes = std::move(*bytes);
}

// User-data is bytes too.
void to_json(nlohmann::json& json, const LaunchDataReply& reply) {
    json = {{"user_data", base64_encode(reply.user_data)},
            {"identity_document", reply.identity_document},
            {"identity_signature", reply.identity_signature},
            {"identity_pkcs7", reply.identity_pkcs7},
            {"identity_rsa2048", reply.identity_rsa2048}};
}

void from_json(const nlohmann::json& json, LaunchDataReply& reply) {
    auto user_data = base64_decode(json.at("user_data").get_ref<const std::string&>());
    if (!user_data) throw nlohmann::json::other_error::create(501, "not base64", &json);
    reply.user_data = std::move(*user_data);
    reply.identity_document = json.value("identity_document", "");
    reply.identity_signature = json.value("identity_signature", "");
    reply.identity_pkcs7 = json.value("identity_pkcs7", "");
    reply.identity_rsa2048 = json.value("identity_rsa2048", "");
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(JoinRequest, token_secret, certificate_request_pem)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(JoinReply, host_id, certificate_pem, zone)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(HostFacts, name, architecture, vcpus, memory_mib, disk_mib,
                                                accelerator, agent_version, storage_pool)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(HelloRequest, facts, epoch)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ChassisSettings, has_ovn, southbound_remote, provider_network,
                                                guest_mtu)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(HelloReply, epoch, heartbeat_ms, chassis)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Heartbeat, hypervisor_ok, hypervisor_error, network_ok,
                                                network_error, disk_free_mib)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(HeartbeatReply, hello_wanted)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Content, sha256, format, size_bytes, encrypted)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(PublicMapping, private_ip, public_ip)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(GuestInterface, network_interface_id, port_uuid, mac,
                                                device_index, account_id, vpc_id, subnet_id, subnet_cidr,
                                                subnet_ipv6_cidrs, vpc_cidrs, vpc_ipv6_cidrs, private_ips,
                                                ipv6_addresses, public_ips, security_group_ids,
                                                security_groups, private_dns_name, public_dns_name)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(GuestMetadata, http_endpoint, http_tokens_required, hop_limit,
                                                http_ipv6, instance_tags, account_id, region, zone, zone_id,
                                                image_id, kernel_id, ramdisk_id, reservation_id, launch_index,
                                                launched_ms, root_device_name, key_name, public_key, hostname,
                                                tags, block_devices, volumes)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(LaunchDataRequest, guest_id)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(DiskKey, id, passphrase)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(GuestDisk, volume_id, target, size_bytes, iops, bytes_per_s,
                                                image, keep, layers, cuts, leaving, key, flatten)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Cut, snapshot_id, cut, disk)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(
    DesiredGuest, guest_id, instance_id, generation, desired, skip_os_shutdown, observed, reboots_wanted,
    reboots_done, interrupts_wanted, interrupts_done, instance_type, architecture, boot_mode, vcpus,
    core_count, threads_per_core, memory_mib, root_volume_id, root_size_bytes, image, kernel, ramdisk,
    kernel_cmdline, keep_root, root_iops, root_bytes_per_s, root_stays, root_layers, root_cuts, root_key,
    root_flatten, store_disks, store_disk_bytes, disks, interfaces, metadata)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(PollRequest, known_version, wait_ms)

void to_json(nlohmann::json& json, const PollReply& reply) {
    json = {{"version", reply.version},
            {"changed", reply.changed},
            {"guests", reply.guests},
            {"console_requests", reply.console_requests},
            {"epoch", reply.epoch},
            {"kept_volumes", reply.kept_volumes},
            {"doomed_volumes", reply.doomed_volumes},
            {"cuts", reply.cuts}};
}

// Of its members only those that came later may be missing.
void from_json(const nlohmann::json& json, PollReply& reply) {
    json.at("version").get_to(reply.version);
    json.at("changed").get_to(reply.changed);
    json.at("guests").get_to(reply.guests);
    json.at("console_requests").get_to(reply.console_requests);
    reply.epoch = json.value("epoch", std::int64_t{0});
    reply.kept_volumes = json.value("kept_volumes", std::vector<VolumeId>());
    reply.doomed_volumes = json.value("doomed_volumes", std::vector<VolumeId>());
    reply.cuts = json.value("cuts", std::vector<Cut>());
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ObservedDisk, volume_id, size_bytes, iops, bytes_per_s, flat)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ObservedGuest, guest_id, generation, observed, reboots_done,
                                                interrupts_done, reason_code, reason, interfaces, disks)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ReportRequest, guests, consoles, removed_volumes)

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(LeftGuest, guest_id, instance_id, on)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(LeftoversRequest, guests, volumes, tells_files, missing,
                                                contents)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(LeftoversReply, end_guests, remove_volumes, remove_contents)

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(LayerRequest, snapshot_id, content)

// Messages that say nothing but that they are there.
#define LODGE_EMPTY_MESSAGE(Message)                                                                   \
    void to_json(nlohmann::json& json, const Message&) {                                               \
        json = nlohmann::json::object();                                                               \
    }                                                                                                  \
    void from_json(const nlohmann::json& json, Message&) {                                             \
        if (!json.is_object()) throw nlohmann::json::other_error::create(501, "not an object", &json); \
    }
LODGE_EMPTY_MESSAGE(ReportReply)
LODGE_EMPTY_MESSAGE(LayerReply)

template <class Message>
std::string to_json(const Message& message) {
    nlohmann::json json = message;
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// No message nests deeper; without an end to it, each "[" would cost some sixty bytes.
constexpr int most_levels = 16;

// All our numbers are std::int64_t, and the library would make one of any number, fitting or not. Null fits
// no member, and what is no member is ignored whatever it is.
void refuse_misfit(nlohmann::json& number) {
    const bool is_fraction = number.is_number_float();
    const bool is_too_large = number.is_number_unsigned() && number.get<std::uint64_t>() > INT64_MAX;
    if (is_fraction || is_too_large) number = nullptr;
}

bool check_part(int depth, nlohmann::json::parse_event_t event, nlohmann::json& part) {
    if (depth > most_levels) throw nlohmann::json::other_error::create(501, "nested too deeply", nullptr);
    if (event == nlohmann::json::parse_event_t::value) refuse_misfit(part);
    return true;
}

// Whether the message has the IDs of what it is about; other members may have their defaults.
template <class Message>
bool is_complete(const Message&) {
    return true;
}
bool is_complete(const JoinReply& reply) {
    return !reply.host_id.empty();
}
bool is_complete(const LaunchDataRequest& request) {
    return !request.guest_id.empty();
}
bool is_complete(const PollReply& reply) {
    return std::none_of(reply.guests.begin(), reply.guests.end(),
                        [](const DesiredGuest& guest) {
                            return guest.guest_id.empty() || guest.instance_id.empty();
                        }) &&
           std::none_of(reply.cuts.begin(), reply.cuts.end(),
                        [](const Cut& cut) { return cut.snapshot_id.empty() || cut.disk.volume_id.empty(); });
}
bool is_complete(const LayerRequest& request) {
    return !request.snapshot_id.empty() && !request.content.sha256.empty();
}
bool is_complete(const ReportRequest& report) {
    return std::none_of(report.guests.begin(), report.guests.end(),
                        [](const ObservedGuest& guest) { return guest.guest_id.empty(); });
}

bool is_complete(const LeftoversRequest& left) {
    return std::none_of(left.guests.begin(), left.guests.end(),
                        [](const LeftGuest& guest) { return guest.guest_id.empty(); });
}

template <class Message>
Result<Message> from_json(std::string_view text) {
    try {
        auto message = nlohmann::json::parse(text, check_part).template get<Message>();
        if (is_complete(message)) return message;
        return fail(ErrorCode::invalid_input, "malformed message: it lacks the ID of what it is about");
    } catch (const nlohmann::json::exception& error) {
        return fail(ErrorCode::invalid_input, std::string("malformed message: ") + error.what());
    }
}

#define LODGE_MESSAGE(Message)                             \
    template std::string to_json<Message>(const Message&); \
    template Result<Message> from_json<Message>(std::string_view);
LODGE_MESSAGE(JoinRequest)
LODGE_MESSAGE(JoinReply)
LODGE_MESSAGE(HelloRequest)
LODGE_MESSAGE(HelloReply)
LODGE_MESSAGE(Heartbeat)
LODGE_MESSAGE(HeartbeatReply)
LODGE_MESSAGE(PollRequest)
LODGE_MESSAGE(PollReply)
LODGE_MESSAGE(LaunchDataRequest)
LODGE_MESSAGE(LaunchDataReply)
LODGE_MESSAGE(ReportRequest)
LODGE_MESSAGE(ReportReply)
LODGE_MESSAGE(LeftoversRequest)
LODGE_MESSAGE(LeftoversReply)
LODGE_MESSAGE(LayerRequest)
LODGE_MESSAGE(LayerReply)

}  // namespace link
}  // namespace lodge

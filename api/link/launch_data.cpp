#include "api/link/launch_data.h"

#include <nlohmann/json.hpp>

#include "db/store/guests.h"
#include "db/store/instances.h"
#include "db/store/network_interfaces.h"
#include "db/store/settings.h"
#include "proto/base/encoding.h"

namespace lodge::api {
namespace {

constexpr int signer_days = 36'500;
constexpr std::size_t line_length = 64;

nlohmann::ordered_json or_null(const std::string& text) {
    if (text.empty()) return nullptr;
    return text;
}

std::string private_ip(db::Session& session, const InstanceId& id) {
    for (const auto& interface : db::network_interfaces::of_instance(session, id)) {
        if (interface.device_index != 0) continue;
        auto addresses = db::network_interfaces::addresses_of(session, interface.id);
        if (!addresses.empty()) return addresses.front().address;
    }
    return "";
}

std::string document(const Instance& instance, const std::string& address) {
    auto pending = format_time(instance.launched_ms);
    nlohmann::ordered_json json = {{"accountId", instance.account_id},
                                   {"architecture", instance.architecture},
                                   {"availabilityZone", instance.zone},
                                   {"billingProducts", nullptr},
                                   {"devpayProductCodes", nullptr},
                                   {"marketplaceProductCodes", nullptr},
                                   {"imageId", instance.image_id.str()},
                                   {"instanceId", instance.id.str()},
                                   {"instanceType", instance.instance_type},
                                   {"kernelId", or_null(instance.kernel_id)},
                                   {"pendingTime", pending.substr(0, pending.find('.')) + "Z"},
                                   {"privateIp", or_null(address)},
                                   {"ramdiskId", or_null(instance.ramdisk_id)},
                                   {"region", instance.region},
                                   {"version", "2017-09-30"}};
    return json.dump(2);
}

// In lines, as people paste it between the lines of a PEM frame.
std::string folded(std::string_view bytes) {
    auto text = base64_encode(bytes);
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += line_length)
        out += (out.empty() ? "" : "\n") + text.substr(at, line_length);
    return out;
}

}  // namespace

Result<pki::Authority> load_identity_signer(db::Database& database, UnixMs now_ms, Random& random) {
    return database.write([&](db::Session& session) -> Result<pki::Authority> {
        auto certificate = db::settings::get(session, "identity_certificate");
        auto key = db::settings::get(session, "identity_key");
        if (certificate && key) return pki::Authority{*certificate, *key};
        LODGE_TRY(auto made,
                  pki::make_document_signer("Lodge instance identity", {now_ms, signer_days}, random));
        db::settings::put(session, "identity_certificate", made.certificate_pem);
        db::settings::put(session, "identity_key", made.key_pem);
        return made;
    });
}

Result<link::LaunchDataReply> launch_data(db::Database& database, const pki::Authority& signer,
                                          const HostId& host_id, const GuestId& guest_id) {
    link::LaunchDataReply reply;
    LODGE_CHECK(database.read([&](db::Session& session) -> Status {
        auto guest = db::guests::find(session, guest_id);
        auto row = guest ? db::instances::find_any(session, guest->instance_id) : std::nullopt;
        if (!row || row->guest.id != guest_id || guest->host_id != host_id)
            return fail(ErrorCode::not_found, "there is no guest " + guest_id.str() + " on this host");
        reply.user_data = db::instances::user_data(session, row->instance.id);
        reply.identity_document = document(row->instance, private_ip(session, row->instance.id));
        return {};
    }));
    LODGE_TRY(auto signature, pki::sign_bytes(signer, reply.identity_document));
    LODGE_TRY(auto pkcs7, pki::sign_pkcs7(signer, reply.identity_document));
    reply.identity_signature = folded(signature);
    reply.identity_pkcs7 = reply.identity_rsa2048 = folded(pkcs7);
    return reply;
}

}  // namespace lodge::api

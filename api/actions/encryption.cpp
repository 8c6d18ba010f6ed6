// GetEbsEncryptionByDefault, EnableEbsEncryptionByDefault, DisableEbsEncryptionByDefault,
// GetEbsDefaultKmsKeyId.
#include "proto/ec2/encryption.h"

#include "api/actions/encryption.h"
#include "db/store/disk_keys.h"
#include "proto/base/encoding.h"
#include "scheduler/volumes/disk_keys.h"

namespace lodge::api {
namespace {

constexpr std::string_view alias = "alias/aws/ebs";

std::string arn(const AccountId& account_id, const std::string& region, const std::string& resource) {
    return "arn:aws:kms:" + region + ":" + account_id + ":" + resource;
}

// Of what names it, so that it stays the same whatever becomes of the master key.
std::string key_uuid(const AccountId& account_id, const std::string& region) {
    std::string uuid = hex_encode(sha256("aws/ebs " + account_id + " " + region)).substr(0, 32);
    for (const std::size_t at : {20U, 16U, 12U, 8U}) uuid.insert(at, "-");
    return uuid;
}

std::string word_of(bool encrypted) {
    return encrypted ? "encrypted" : "not encrypted";
}

}  // namespace

std::string kms_key_of(const AccountId& account_id, const std::string& region) {
    return arn(account_id, region, "key/" + key_uuid(account_id, region));
}

std::optional<std::string> shown_kms_key(const std::string& key_id, const AccountId& account_id,
                                         const std::string& region) {
    return key_id.empty() ? std::nullopt : std::optional(kms_key_of(account_id, region));
}

Status check_encryption(const RequestContext& context, const EncryptionWish& wish) {
    if (!wish.kms_key_id) return {};
    if (!wish.encrypted.value_or(false))
        return fail(ErrorCode::invalid_parameter_dependency,
                    "The parameter KmsKeyId requires the parameter Encrypted to be set to true.");
    const auto& id = *wish.kms_key_id;
    const auto& account = context.account_id;
    const auto& region = context.region;
    if (id == alias || id == key_uuid(account, region) || id == kms_key_of(account, region) ||
        id == arn(account, region, std::string(alias)))
        return {};
    return fail(ErrorCode::invalid_parameter_value,
                "The KmsKeyId '" + id + "' is not known: an account has one key in a region, " +
                    std::string(alias) + ".");
}

Status check_stays(bool is_encrypted, const EncryptionWish& wish, ErrorCode code) {
    if (!wish.encrypted || *wish.encrypted == is_encrypted) return {};
    return fail(code, "The disk begins with data that is " + word_of(is_encrypted) +
                          ", which Encrypted cannot change.");
}

Status check_copy(bool is_encrypted, const EncryptionWish& wish) {
    if (!wish.encrypted || *wish.encrypted == is_encrypted) return {};
    if (is_encrypted)
        return fail(ErrorCode::invalid_parameter_value, "A copy of what is encrypted is encrypted.");
    return fail(ErrorCode::unsupported_operation,
                "Data that is not encrypted is not encrypted by copying it here. What a volume writes is, if "
                "it is made with Encrypted.");
}

Result<bool> is_to_be_encrypted(db::Session& session, const RequestContext& context, bool data_is,
                                const EncryptionWish& wish, ErrorCode code) {
    if (data_is && !wish.encrypted.value_or(true))
        return fail(code, "A volume of an encrypted snapshot is encrypted.");
    return data_is || wish.encrypted.value_or(false) ||
           db::disk_keys::is_default(session, context.account_id, context.region);
}

Status give_key(db::Session& session, const RequestContext& context, Volume& volume) {
    if (!volume.key_id.empty()) return {};
    const auto& services = context.services;
    LODGE_TRY(volume.key_id, volumes::make_key(session, services.keys, context.account_id, context.now_ms(),
                                               services.random));
    return {};
}

Result<ec2::GetEbsEncryptionByDefaultResponse> get_ebs_encryption_by_default(
    RequestContext& context, const ec2::GetEbsEncryptionByDefaultRequest&) {
    return context.read([&](db::Session& session) -> Result<ec2::GetEbsEncryptionByDefaultResponse> {
        return ec2::GetEbsEncryptionByDefaultResponse{
            db::disk_keys::is_default(session, context.account_id, context.region)};
    });
}

Result<ec2::EnableEbsEncryptionByDefaultResponse> enable_ebs_encryption_by_default(
    RequestContext& context, const ec2::EnableEbsEncryptionByDefaultRequest&) {
    return context.write([&](db::Session& session) -> Result<ec2::EnableEbsEncryptionByDefaultResponse> {
        db::disk_keys::set_default(session, context.account_id, context.region, true);
        return ec2::EnableEbsEncryptionByDefaultResponse{true};
    });
}

Result<ec2::DisableEbsEncryptionByDefaultResponse> disable_ebs_encryption_by_default(
    RequestContext& context, const ec2::DisableEbsEncryptionByDefaultRequest&) {
    return context.write([&](db::Session& session) -> Result<ec2::DisableEbsEncryptionByDefaultResponse> {
        db::disk_keys::set_default(session, context.account_id, context.region, false);
        return ec2::DisableEbsEncryptionByDefaultResponse{false};
    });
}

Result<ec2::GetEbsDefaultKmsKeyIdResponse> get_ebs_default_kms_key_id(
    RequestContext& context, const ec2::GetEbsDefaultKmsKeyIdRequest&) {
    return ec2::GetEbsDefaultKmsKeyIdResponse{kms_key_of(context.account_id, context.region)};
}

}  // namespace lodge::api

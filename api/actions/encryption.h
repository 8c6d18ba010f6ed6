// What requests say of encryption, for volumes and for images' disks. Source: EBS user guide, "Amazon EBS
// encryption".
//
// EC2's KMS keys are here the account's one key of each region, alias/aws/ebs: it stands for the operator's
// master key. Each volume has a key of its own below that, which its snapshots, and volumes of those, share.
#pragma once

#include <optional>
#include <string>

#include "api/pipeline/context.h"
#include "proto/model/volume.h"

namespace lodge::api {

struct EncryptionWish {
    std::optional<bool> encrypted;
    std::optional<std::string> kms_key_id;
};

template <class Ebs>
EncryptionWish encryption_wish(const Ebs& ebs) {
    return {ebs.encrypted, ebs.kms_key_id};
}

// The ARN of the account's key.
std::string kms_key_of(const AccountId& account_id, const std::string& region);
// The same of what is encrypted; nothing of what is not.
std::optional<std::string> shown_kms_key(const std::string& key_id, const AccountId& account_id,
                                         const std::string& region);

// A key goes with what is to be encrypted, and is the account's: InvalidParameterDependency,
// InvalidParameterValue.
Status check_encryption(const RequestContext& context, const EncryptionWish& wish);

// Of a disk that begins with data, and is encrypted or not as that is: the error `code` for a wish that it be
// otherwise.
Status check_stays(bool is_encrypted, const EncryptionWish& wish, ErrorCode code);
// The same of a copy: what is not encrypted is not made so afterwards.
Status check_copy(bool is_encrypted, const EncryptionWish& wish);

// Whether a volume is to be encrypted that begins with data that is, or is not, or with none. By itself it is
// if its data is, or if the account wishes so of all. The error `code` for a wish that it be not, of data
// that is.
Result<bool> is_to_be_encrypted(db::Session& session, const RequestContext& context, bool data_is,
                                const EncryptionWish& wish, ErrorCode code);

// Gives a new volume that is to be encrypted a key, unless it has that of the snapshot it begins as.
Status give_key(db::Session& session, const RequestContext& context, Volume& volume);

}  // namespace lodge::api

// CreateKeyPair, ImportKeyPair, DescribeKeyPairs, DeleteKeyPair.
#include "db/store/key_pairs.h"

#include "api/actions/tagging.h"
#include "api/describe/engine.h"
#include "api/keys/keys.h"
#include "db/store/tags.h"
#include "proto/ec2/key_pairs.h"

namespace lodge::api {
namespace {

struct KeyPairRecord {
    KeyPair key_pair;
    std::vector<Tag> tags;
};

template <class F>
describe::FilterField<KeyPairRecord> text(std::string_view name, F value) {
    return {name,
            [value](const KeyPairRecord& r, describe::Values& out) { out.push_back(value(r.key_pair)); }};
}

const describe::FilterTable<KeyPairRecord>& key_pair_filters() {
    static const describe::FilterTable<KeyPairRecord> table = {
        text("fingerprint", [](const KeyPair& k) { return k.fingerprint; }),
        text("key-name", [](const KeyPair& k) { return k.name; }),
        text("key-pair-id", [](const KeyPair& k) { return k.id.str(); }),
    };
    return table;
}

const std::vector<Tag>& tags_of(const KeyPairRecord& record) {
    return record.tags;
}

Status check_free(db::Session& session, const RequestContext& context, const std::string& name) {
    if (!db::key_pairs::find_by_name(session, context.account_id, context.region, name)) return {};
    return fail(ErrorCode::invalid_key_pair_duplicate, name);
}

// Writes a new key pair, unless its name is taken.
Result<KeyPair> insert(db::Session& session, const RequestContext& context, const std::string& name,
                       std::string_view type, const std::string& fingerprint, const std::string& public_key) {
    LODGE_CHECK(check_free(session, context, name));
    KeyPair made{KeyPairId::make(context.services.random),
                 context.account_id,
                 context.region,
                 name,
                 std::string(type),
                 fingerprint,
                 public_key,
                 context.now_ms()};
    db::key_pairs::insert(session, made);
    return made;
}

// Blanks at either end would make two names that look alike.
Status check_name(const std::string& name) {
    if (name.front() != ' ' && name.back() != ' ') return {};
    return fail(
        ErrorCode::invalid_parameter_value,
        "Value (" + name + ") for parameter KeyName is invalid. It may not begin or end with a blank.");
}

// Those asked for by name and ID; an unknown one is an error.
Result<std::vector<KeyPair>> select(db::Session& session, const RequestContext& context,
                                    const ec2::DescribeKeyPairsRequest& request) {
    if (request.key_name.empty() && request.key_pair_id.empty())
        return db::key_pairs::list(session, context.account_id, context.region);
    std::vector<KeyPair> found;
    auto add = [&](KeyPair key_pair) {
        bool known =
            std::any_of(found.begin(), found.end(), [&](const KeyPair& k) { return k.id == key_pair.id; });
        if (!known) found.push_back(std::move(key_pair));
    };
    for (const auto& name : request.key_name) {
        auto key_pair = db::key_pairs::find_by_name(session, context.account_id, context.region, name);
        if (!key_pair) return fail(ErrorCode::invalid_key_pair_not_found, name);
        add(std::move(*key_pair));
    }
    for (const auto& id : request.key_pair_id) {
        auto key_pair = db::key_pairs::find(session, context.account_id, context.region, id);
        if (!key_pair) return fail(ErrorCode::invalid_key_pair_not_found, id);
        add(std::move(*key_pair));
    }
    return found;
}

ec2::KeyPairInfo shown(const KeyPairRecord& record, bool include_public_key) {
    const auto& key_pair = record.key_pair;
    ec2::KeyPairInfo out;
    out.key_pair_id = key_pair.id.str();
    out.key_fingerprint = key_pair.fingerprint;
    out.key_name = key_pair.name;
    out.key_type = key_pair.type;
    out.tags = to_ec2(record.tags);
    if (include_public_key) out.public_key = key_pair.public_key;
    out.create_time = key_pair.created_ms;
    return out;
}

}  // namespace

Result<ec2::CreateKeyPairResponse> create_key_pair(RequestContext& context,
                                                   const ec2::CreateKeyPairRequest& request) {
    LODGE_CHECK(check_name(request.key_name));
    LODGE_TRY(auto tags, tags_for(request.tag_specification, "key-pair", {"key-pair"}));
    auto type = request.key_type.value_or("rsa") == "rsa" ? keys::KeyType::rsa : keys::KeyType::ed25519;
    auto format = request.key_format.value_or("pem") == "pem" ? keys::KeyFormat::pem : keys::KeyFormat::ppk;
    LODGE_CHECK(
        context.read([&](db::Session& session) { return check_free(session, context, request.key_name); }));
    if (context.dry_run) return fail(ErrorCode::dry_run_operation);
    // Finding an RSA key takes long: before the transaction, which others wait for.
    LODGE_TRY(auto key, keys::generate(type, format, request.key_name));
    return context.write([&](db::Session& session) -> Result<ec2::CreateKeyPairResponse> {
        LODGE_TRY(auto made, insert(session, context, request.key_name, keys::to_text(type), key.fingerprint,
                                    key.public_key));
        auto tag_set = put_tags(session, context, made.id.str(), "key-pair", tags);
        return ec2::CreateKeyPairResponse{made.name, made.fingerprint, key.private_key, made.id.str(),
                                          std::move(tag_set)};
    });
}

Result<ec2::ImportKeyPairResponse> import_key_pair(RequestContext& context,
                                                   const ec2::ImportKeyPairRequest& request) {
    LODGE_CHECK(check_name(request.key_name));
    LODGE_TRY(auto tags, tags_for(request.tag_specification, "key-pair", {"key-pair"}));
    LODGE_TRY(auto key, keys::import_public(request.public_key_material));
    return context.write([&](db::Session& session) -> Result<ec2::ImportKeyPairResponse> {
        LODGE_TRY(auto made, insert(session, context, request.key_name, keys::to_text(key.type),
                                    key.fingerprint, key.public_key));
        auto tag_set = put_tags(session, context, made.id.str(), "key-pair", tags);
        return ec2::ImportKeyPairResponse{made.name, made.fingerprint, made.id.str(), std::move(tag_set)};
    });
}

Result<ec2::DescribeKeyPairsResponse> describe_key_pairs(RequestContext& context,
                                                         const ec2::DescribeKeyPairsRequest& request) {
    LODGE_TRY(auto filters,
              describe::Filters<KeyPairRecord>::make(request.filter, key_pair_filters(), tags_of));
    return context.read([&](db::Session& session) -> Result<ec2::DescribeKeyPairsResponse> {
        LODGE_TRY(auto found, select(session, context, request));
        ec2::DescribeKeyPairsResponse response;
        for (auto& key_pair : found) {
            auto tags = db::tags::of(session, context.account_id, key_pair.id.str());
            KeyPairRecord record{std::move(key_pair), std::move(tags)};
            if (filters.accept(record))
                response.key_pairs.push_back(shown(record, request.include_public_key.value_or(false)));
        }
        return response;
    });
}

Result<ec2::DeleteKeyPairResponse> delete_key_pair(RequestContext& context,
                                                   const ec2::DeleteKeyPairRequest& request) {
    if (!request.key_name && !request.key_pair_id)
        return fail(ErrorCode::missing_parameter, "KeyName or KeyPairId");
    return context.write([&](db::Session& session) -> Result<ec2::DeleteKeyPairResponse> {
        auto found =
            request.key_pair_id
                ? db::key_pairs::find(session, context.account_id, context.region, *request.key_pair_id)
                : db::key_pairs::find_by_name(session, context.account_id, context.region, *request.key_name);
        if (!found && request.key_pair_id)
            return fail(ErrorCode::invalid_key_pair_not_found, *request.key_pair_id);
        if (!found)
            return ec2::DeleteKeyPairResponse{true, std::nullopt};  // by name, deleting twice is success
        if (request.key_name && *request.key_name != found->name)
            return fail(ErrorCode::invalid_parameter_combination,
                        "KeyName and KeyPairId name different key pairs.");
        db::key_pairs::erase(session, found->id);
        db::tags::erase_all(session, found->id.str());
        return ec2::DeleteKeyPairResponse{true, found->id.str()};
    });
}

}  // namespace lodge::api

// What the actions on VPCs and their parts share: finding things by ID, and describing them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/actions/words.h"
#include "api/describe/engine.h"
#include "api/pipeline/context.h"
#include "db/store/tags.h"
#include "proto/base/cidr.h"
#include "proto/model/vpc.h"
#include "scheduler/network/make.h"

namespace lodge::api {

network::Owner owner_of(const RequestContext& context);

// The VPC's network is no longer what it was: call it in the transaction of every change that guests could
// notice.
void network_changed(db::Session& session, const RequestContext& context, const VpcId& vpc_id);

// One of the account's, or the error for an ID that is malformed or unknown. `find` is the store's.
template <class IdType, class R>
Result<R> find_or_fail(db::Session& session, const RequestContext& context, const std::string& id,
                       std::optional<R> (*find)(db::Session&, const AccountId&, std::string_view,
                                                std::string_view),
                       ErrorCode malformed, ErrorCode not_found) {
    if (!IdType::parse(id)) return fail(malformed, id);
    auto found = find(session, context.account_id, context.region, id);
    if (!found) return fail(not_found, id);
    return std::move(*found);
}

Result<Vpc> find_vpc(db::Session& session, const RequestContext& context, const std::string& id);
Result<Subnet> find_subnet(db::Session& session, const RequestContext& context, const std::string& id);

// The zone of that name or ID in the request's region; the first one if neither is given.
Result<Zone> find_zone(const RequestContext& context, const std::optional<std::string>& name,
                       const std::optional<std::string>& id);

// InvalidParameterValue unless it is one of Lodge's; `parameter` is the one that names it.
Status check_region(const RequestContext& context, const std::string& region, std::string_view parameter);

// "use1-az1" of "us-east-1a"; empty for a zone that the configuration has dropped.
std::string zone_id(const RequestContext& context, const std::string& name);

// Canonical text of an IPv4 or IPv6 CIDR, or InvalidParameterValue.
Result<Cidr> parse_cidr(const std::string& text, std::string_view parameter);

// A record with its tags, as Describe actions hold it.
template <class R>
struct Tagged {
    R value;
    std::vector<Tag> tags;
};

template <class R>
Tagged<R> with_tags(db::Session& session, R value) {
    auto tags = db::tags::of(session, value.account_id, value.id.str());
    return {std::move(value), std::move(tags)};
}

// A describable resource of the store. A Record has `value`, the store's record with an `id`, and `tags`;
// `load` adds what it shows besides.
template <class IdType, class R, class Record>
describe::Resource<Record> resource_of(
    const RequestContext& context, ErrorCode malformed, ErrorCode not_found,
    const describe::FilterTable<Record>& filters,
    std::optional<R> (*find)(db::Session&, const AccountId&, std::string_view, std::string_view),
    std::vector<R> (*list)(db::Session&, const AccountId&, std::string_view, std::string_view, std::int64_t),
    Record (*load)(db::Session&, R)) {
    return {[](std::string_view id) { return IdType::parse(id).has_value(); },
            malformed,
            not_found,
            filters,
            [](const Record& record) -> const std::vector<Tag>& { return record.tags; },
            [](const Record& record) { return record.value.id.str(); },
            [&context, find, load](db::Session& session, const std::string& id) -> std::optional<Record> {
                auto found = find(session, context.account_id, context.region, id);
                if (!found) return std::nullopt;
                return load(session, std::move(*found));
            },
            [&context, list, load](db::Session& session, const std::string& after, std::int64_t limit) {
                std::vector<Record> records;
                for (auto& each : list(session, context.account_id, context.region, after, limit))
                    records.push_back(load(session, std::move(each)));
                return records;
            }};
}

// The IDs of those asked for by ID and by name; `find` finds a name's or fails.
template <class F>
Result<std::vector<std::string>> ids_of(RequestContext& context, std::vector<std::string> ids,
                                        const std::vector<std::string>& names, F find) {
    if (names.empty()) return ids;
    return context.read([&](db::Session& session) -> Result<std::vector<std::string>> {
        for (const auto& name : names) {
            LODGE_TRY(auto found, find(session, context, name));
            ids.push_back(found.id.str());
        }
        return ids;
    });
}

// A filter on what no record has: it finds none.
template <class Record>
describe::FilterField<Record> none(std::string_view name) {
    return {name, [](const Record&, describe::Values&) {}};
}

// Filters on one value of the record.
template <class Record, class F>
describe::FilterField<Record> filter(std::string_view name, F value) {
    return {name, [value](const Record& record, describe::Values& out) { out.emplace_back(value(record)); }};
}

}  // namespace lodge::api

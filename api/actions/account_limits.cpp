#include "api/actions/account_limits.h"

#include <fmt/format.h>

#include <algorithm>

#include "db/store/accounts.h"
#include "db/store/addresses.h"
#include "db/store/capacity_reservations.h"
#include "db/store/instances.h"
#include "scheduler/network/addresses.h"

namespace lodge::api {
namespace {

std::int64_t either(std::int64_t own, std::int64_t otherwise) {
    return own == no_own_limit ? otherwise : own;
}

// What is left of a limit that may have been lowered since.
std::int64_t left_of(std::int64_t limit, std::int64_t used) {
    return std::max<std::int64_t>(0, limit - used);
}

}  // namespace

AccountLimits over(const AccountLimits& own, const AccountLimits& otherwise) {
    return {either(own.instances, otherwise.instances), either(own.vcpus, otherwise.vcpus),
            either(own.elastic_ips, otherwise.elastic_ips)};
}

AccountLimits account_limits(db::Session& session, const RequestContext& context) {
    return over(db::accounts::own_limits(session, context.account_id), context.services.settings.limits);
}

Result<std::int64_t> allowed_instances(db::Session& session, const RequestContext& context,
                                       std::int64_t least, std::int64_t most, std::int64_t vcpus) {
    auto limits = account_limits(session, context);
    if (limits.instances == no_limit && limits.vcpus == no_limit) return most;
    auto used = db::instances::usage(session, context.account_id, context.region);
    auto reserved = db::capacity_reservations::unused(session, context.account_id, context.region);
    used.instances += reserved.instances;
    used.vcpus += reserved.vcpus;
    auto instances = left_of(limits.instances, used.instances);
    if (instances < least)
        return fail(
            ErrorCode::instance_limit_exceeded,
            fmt::format("At least {} more instances were asked for; of the {} that the account may run "
                        "in {} at once, {} are in use.",
                        least, limits.instances, context.region, used.instances));
    auto by_vcpus = left_of(limits.vcpus, used.vcpus) / std::max<std::int64_t>(1, vcpus);
    if (by_vcpus < least)
        return fail(
            ErrorCode::vcpu_limit_exceeded,
            fmt::format("At least {} more vCPUs were asked for; of the {} that the account may have in "
                        "{} at once, {} are in use.",
                        least * vcpus, limits.vcpus, context.region, used.vcpus));
    return std::min({most, instances, by_vcpus});
}

std::int64_t max_elastic_ips(db::Session& session, const RequestContext& context) {
    return std::min(account_limits(session, context).elastic_ips,
                    network::pool_size(context.services.settings.public_pool));
}

Status check_address_limit(db::Session& session, const RequestContext& context) {
    auto limit = account_limits(session, context).elastic_ips;
    if (limit == no_limit || db::addresses::count(session, context.account_id, context.region) < limit)
        return {};
    return fail(ErrorCode::address_limit_exceeded,
                fmt::format("The account has the {} elastic addresses in {} that it may have.", limit,
                            context.region));
}

}  // namespace lodge::api

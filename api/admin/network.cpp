// Whether a packet gets from one place to another, and why.
#include <algorithm>

#include "api/admin/operations.h"
#include "scheduler/network/explain_load.h"

namespace lodge::api::admin {
namespace {

// TCP if there is a port, else a ping.
Result<network::Traffic> read_traffic(const Json& body) {
    auto port = number_or(body, "port", -1);
    auto word = text_or(body, "protocol", port < 0 ? "icmp" : "tcp");
    auto protocol = network::read_protocol(word);
    if (!protocol) return fail(ErrorCode::invalid_input, "there is no protocol " + word);
    bool has_ports = *protocol == "tcp" || *protocol == "udp";
    if (has_ports && (port < 1 || port > 65535))
        return fail(ErrorCode::invalid_input, *protocol + " needs a port from 1 to 65535");
    if (!has_ports && port >= 0) return fail(ErrorCode::invalid_input, "protocol " + word + " has no ports");
    return network::Traffic{*protocol, port};
}

std::string traffic_text(const network::Traffic& traffic) {
    if (traffic.port >= 0) return traffic.protocol + "/" + std::to_string(traffic.port);
    return traffic.protocol == "icmp" ? "ping" : "protocol " + traffic.protocol;
}

Json show(const network::Asked& asked, const network::Traffic& traffic,
          const network::Explanation& explanation) {
    Json steps = Json::array();
    for (const auto& step : explanation.steps)
        steps.push_back({{"direction", step.of_reply ? "reply" : "request"},
                         {"outcome", network::word(step.outcome)},
                         {"text", step.text},
                         {"advice", step.advice}});
    auto sentence = traffic_text(traffic) + " from " + asked.source.name + " to " + asked.destination.name +
                    (explanation.passes ? " gets through." : " is stopped.");
    Json out = {{"passes", explanation.passes}, {"sentence", sentence}, {"steps", steps}};
    if (const auto& flow = explanation.microflow)
        out["trace"] = {
            {"datapath", flow->datapath}, {"microflow", flow->text}, {"tracking", flow->tracking}};
    return out;
}

bool is_of(const network::Asked& asked, const network::Place& place, const AccountId& account) {
    const auto vpc = asked.world.vpcs.find(place.vpc_id);
    return vpc == asked.world.vpcs.end() || vpc->second.vpc.account_id == account;
}

// Of two places that are both the account's, or its and the internet. One that is another's is as one that is
// not there.
Result<network::Asked> look_up_own(db::Session& session, const network::Pools& pools,
                                   const std::string& source, const std::string& destination,
                                   const AccountId& account) {
    auto asked = network::look_up(session, pools, source, destination);
    // Any other complaint would tell that somebody's place is there.
    if (!asked || !is_of(*asked, asked->source, account) || !is_of(*asked, asked->destination, account))
        return fail(ErrorCode::not_found,
                    "there is no " + source + ", or no " + destination + ", or nothing to ask about them");
    const auto& vpcs = asked->world.vpcs;
    const bool all_own = std::all_of(vpcs.begin(), vpcs.end(),
                                     [&](const auto& each) { return each.second.vpc.account_id == account; });
    if (all_own) return asked;
    return tl::unexpected(Error{ErrorCode::unauthorized_operation,
                                "A VPC of another account is peered with yours: an operator may ask."});
}

}  // namespace

Result<Json> explain_network(const Call& call) {
    LODGE_TRY(auto source, text(call.body, "source"));
    LODGE_TRY(auto destination, text(call.body, "destination"));
    LODGE_TRY(auto traffic, read_traffic(call.body));
    const auto& settings = call.services.settings;
    network::Pools pools{std::nullopt, settings.ipv6_pool};
    if (!settings.public_pool.empty()) pools.ipv4 = settings.public_pool.front();
    LODGE_TRY(auto asked, call.services.database.read([&](db::Session& session) -> Result<network::Asked> {
        return call.account ? look_up_own(session, pools, source, destination, *call.account)
                            : network::look_up(session, pools, source, destination);
    }));
    auto explanation = network::explain(asked.world, asked.source, asked.destination, traffic);
    auto out = show(asked, traffic, explanation);
    auto problem = call.facts.network_problem();
    if (call.account) {  // OVN's words are the operator's
        out.erase("trace");
        if (!problem.empty()) problem = "The network does not follow changes now.";
    }
    out["network_problem"] = problem;
    return out;
}

}  // namespace lodge::api::admin

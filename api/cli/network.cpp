#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "api/cli/commands.h"
#include "api/cli/output.h"
#include "api/cli/program.h"
#include "api/cli/request.h"
#include "api/cli/text.h"
#include "proto/base/number.h"

namespace lodge::cli {
namespace {

using nlohmann::json;

constexpr int stopped_status = 3;
constexpr int trace_timeout_s = 30;
constexpr const char* own_ovn_trace = "/usr/local/lib/lodge/ovn/bin/ovn-trace";

bool is_protocol(std::string_view text) {
    for (auto name : {"tcp", "udp", "icmp", "icmpv6"})
        if (text == name) return true;
    const auto number = parse_number<int>(text);
    return number && *number >= 0 && *number <= 255;
}

// What ovn-trace prints of the first packet; adds it to the explanation.
Status trace(json& explanation, const Arguments& arguments) {
    if (!explanation.contains("trace")) return {};
    auto& flow = explanation["trace"];
    std::vector<std::string> argv = {access(own_ovn_trace, X_OK) == 0 ? own_ovn_trace : "ovn-trace"};
    if (arguments.has("--southbound")) argv.push_back("--db=" + arguments.text("--southbound"));
    for (const auto& state : rows(flow, "tracking"))
        if (state.is_string()) argv.push_back("--ct=" + state.get<std::string>());
    argv.insert(argv.end(), {"--", cell(flow, "datapath"), cell(flow, "microflow")});
    LODGE_TRY(flow["output"], output_of(argv, trace_timeout_s));
    return {};
}

std::string_view mark(const std::string& outcome) {
    if (outcome == "pass") return "✓ ";
    return outcome == "stop" ? "✗ " : "· ";
}

void print_steps(std::ostream& out, const json& explanation) {
    bool of_reply = false;
    for (const auto& step : rows(explanation, "steps")) {
        if (!of_reply && cell(step, "direction") == "reply") {
            of_reply = true;
            out << "and the reply\n";
        }
        out << "  " << mark(cell(step, "outcome")) << cell(step, "text") << '\n';
        if (auto advice = cell(step, "advice"); advice != "-") out << "    " << advice << '\n';
    }
    out << cell(explanation, "sentence") << '\n';
    if (auto problem = cell(explanation, "network_problem"); problem != "-")
        out << "But OVN does not follow what is stored: " << problem << '\n';
}

void print_trace(std::ostream& out, const json& explanation) {
    if (!explanation.contains("trace"))
        out << "\nNo packet reaches OVN: there is nothing to trace.\n";
    else if (const auto& flow = explanation["trace"]; flow.contains("output"))
        out << "\nOVN's trace of the first packet\n" << printable(flow.value("output", ""), true);
}

Status explain(Session& session, const Arguments& arguments) {
    json body = {{"source", arguments.text("SRC")}, {"destination", arguments.text("DST")}};
    if (arguments.has("PORT")) body["port"] = arguments.number("PORT", 0);
    put(body, "protocol", arguments, "--protocol");
    LODGE_TRY(auto explanation, session.client.post("/v1/network/explain", body));
    if (!explanation.is_object() || !explanation.value("passes", false)) session.exit_status = stopped_status;
    Status traced;
    if (arguments.has("--trace")) traced = trace(explanation, arguments);
    if (print_json(session, explanation)) return traced;
    print_steps(session.out, explanation);
    if (arguments.has("--trace")) print_trace(session.out, explanation);
    return traced;
}

}  // namespace

std::vector<Command> network_commands() {
    return {
        {.group = "network",
         .name = "explain",
         .summary = "Say which rule lets a packet through, or stops it",
         .details =
             "A place is an instance, a network interface, an address of a VPC (vpc-…/10.0.0.5), a public "
             "address, any\naddress outside, or \"internet\". With PORT it is TCP, without a ping. The way "
             "there is walked, and the reply's.\nExits with 0 if both get through and with 3 if not.",
         .examples =
             "  lodge network explain i-0123456789abcdef0 i-0fedcba9876543210 22\n"
             "  lodge network explain internet 198.19.64.9 443 --trace\n"
             "  lodge network explain eni-0123456789abcdef0 vpc-0123456789abcdef0/10.0.1.5 53 --protocol udp",
         .options = {{.name = "SRC", .help = "Where the first packet comes from", .required = true},
                     {.name = "DST", .help = "Where it is to go", .required = true},
                     {.name = "PORT",
                      .takes = Takes::number,
                      .help = "The destination's port",
                      .least = 1,
                      .most = 65535},
                     {.name = "--protocol",
                      .placeholder = "NAME",
                      .help = "tcp, udp, icmp or a number",
                      .rule = {is_protocol, "tcp, udp, icmp, icmpv6 or a number from 0 to 255"}},
                     {.name = "--trace",
                      .takes = Takes::nothing,
                      .help = "Show what OVN's ovn-trace says of the first packet as well"},
                     {.name = "--southbound",
                      .placeholder = "DB",
                      .help = "OVN's Southbound database, as in unix:PATH (default: ovn-trace's)",
                      .needs = "--trace"}},
         .run = explain}};
}

}  // namespace lodge::cli

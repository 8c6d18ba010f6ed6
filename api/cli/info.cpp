#include <nlohmann/json.hpp>

#include "api/cli/commands.h"
#include "api/cli/output.h"

namespace lodge::cli {
namespace {

Status info(Session& session, const Arguments&) {
    LODGE_TRY(auto body, session.client.get("/v1/info"));
    if (print_json(session, body)) return {};
    auto problem = body.value("network_problem", "");
    body["network"] = problem.empty() ? "in step with OVN" : problem;
    print_record(session.out, body,
                 {{"lodged", "version"},
                  {"State folder", "state_dir"},
                  {"Image folder", "image_dir"},
                  {"EC2 endpoint", "endpoint"},
                  {"Agents' endpoint", "agent_endpoint"},
                  {"Default region", "default_region"},
                  {"Network", "network"},
                  {"CA's SHA-256", "ca_sha256"}});
    session.out << '\n';
    print_table(session.out, rows(body, "zones"), {{"ZONE", "name"}, {"ID", "id"}, {"REGION", "region"}});
    return {};
}

Status identity_certificate(Session& session, const Arguments&) {
    LODGE_TRY(auto body, session.client.get("/v1/info"));
    const auto pem = body.value("identity_certificate", "");
    if (!print_json(session, {{"identity_certificate", pem}})) session.out << pem;
    return {};
}

}  // namespace

std::vector<Command> info_commands() {
    return {{.group = "",
             .name = "identity-certificate",
             .summary = "Print the certificate that instance identity documents are verified with",
             .details = "",
             .examples = "  lodge identity-certificate > lodge.pem\n"
                         "  openssl smime -verify -in pkcs7 -inform PEM -certfile lodge.pem -noverify",
             .options = {},
             .run = identity_certificate},
            {.group = "",
             .name = "info",
             .summary = "Show whether lodged runs, its addresses and zones",
             .details = "",
             .examples = "  lodge info",
             .options = {},
             .run = info}};
}

}  // namespace lodge::cli

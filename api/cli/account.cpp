#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "api/cli/commands.h"
#include "api/cli/output.h"
#include "api/cli/request.h"
#include "api/cli/text.h"

namespace lodge::cli {
namespace {

using nlohmann::json;

void print_export(std::ostream& out, std::string_view variable, const json& record, const char* member) {
    auto value = cell(record, member);
    if (value != "-") out << fmt::format("export {}={}\n", variable, shell_quote(value));
}

// Every line is shell, so that the output can be sourced as it is. The secret is shown this once: it is
// printed even if lodged cannot say any more where its endpoint is.
void print_environment(std::ostream& out, const json& account, const json& info) {
    out << fmt::format("# Account {} ({}). Keep the secret: it is not shown again.\n", cell(account, "id"),
                       cell(account, "name"));
    print_export(out, "AWS_ACCESS_KEY_ID", account, "access_key");
    print_export(out, "AWS_SECRET_ACCESS_KEY", account, "secret_key");
    print_export(out, "AWS_REGION", info, "default_region");
    print_export(out, "AWS_DEFAULT_REGION", info, "default_region");
    print_export(out, "LODGE_ENDPOINT", info, "endpoint");
}

Status create(Session& session, const Arguments& arguments) {
    json body = {{"name", arguments.text("NAME")}};
    put(body, "id", arguments, "--id");
    put(body, "access_key", arguments, "--access-key");
    put(body, "secret_key", arguments, "--secret-key");
    LODGE_TRY(auto account, session.client.post("/v1/accounts", body));
    if (print_json(session, account)) return {};
    auto info = session.client.get("/v1/info");
    print_environment(session.out, account, info ? *info : json::object());
    return {};
}

Status list(Session& session, const Arguments&) {
    LODGE_TRY(auto body, session.client.get("/v1/accounts"));
    print_list(
        session, body, "accounts",
        {{"ID", "id"}, {"NAME", "name"}, {"ACCESS KEYS", "access_keys"}, {"CREATED", "created", Show::time}},
        "No accounts yet. Make one: lodge account create NAME");
    return {};
}

}  // namespace

std::vector<Command> account_commands() {
    return {
        {.group = "account",
         .name = "create",
         .summary = "Make an account and print its credentials",
         .details = "Prints lines for a shell to source: the credentials, the region and the endpoint.\n"
                    "Without --access-key and --secret-key, lodged makes new ones.",
         .examples = "  lodge account create ci > ci.env && . ./ci.env\n"
                     "  aws --endpoint-url $LODGE_ENDPOINT ec2 describe-availability-zones\n"
                     "  lodge account create lab --id 123456789012",
         .options = {{.name = "NAME", .help = "The account's name", .required = true},
                     {.name = "--id",
                      .placeholder = "DIGITS",
                      .help = "Its number (default: a random one)",
                      .rule = account_id_rule()},
                     {.name = "--access-key",
                      .placeholder = "KEY",
                      .help = "An access key to take over",
                      .needs = "--secret-key"},
                     {.name = "--secret-key",
                      .placeholder = "SECRET",
                      .help = "Its secret",
                      .needs = "--access-key"}},
         .run = create},
        {.group = "account",
         .name = "list",
         .summary = "List the accounts",
         .details = "",
         .examples = "  lodge account list",
         .options = {},
         .run = list},
    };
}

}  // namespace lodge::cli

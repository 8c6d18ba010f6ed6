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
    if (arguments.has("--operator")) body["operator"] = true;
    LODGE_TRY(auto account, session.client.post("/v1/accounts", body));
    if (print_json(session, account)) return {};
    auto info = session.client.get("/v1/info");
    print_environment(session.out, account, info ? *info : json::object());
    return {};
}

Status set_operator(Session& session, const Arguments& arguments) {
    const bool wanted = !arguments.has("--undo");
    const auto path = path_to("/v1/accounts/", arguments.text("ID")) + "/operator";
    LODGE_TRY(const auto done, session.client.post(path, {{"operator", wanted}}));
    if (!print_json(session, done))
        session.out << (wanted ? "Its keys open the operators' API now.\n"
                               : "Its keys do not open the operators' API any more.\n");
    return {};
}

Status create_key(Session& session, const Arguments& arguments) {
    LODGE_TRY(auto key,
              session.client.post(path_to("/v1/accounts/", arguments.text("ID")) + "/keys", json::object()));
    if (print_json(session, key)) return {};
    auto info = session.client.get("/v1/info");
    print_environment(session.out, key, info ? *info : json::object());
    return {};
}

Status disable_key(Session& session, const Arguments& arguments) {
    bool active = arguments.has("--undo");
    auto path = path_to("/v1/access-keys/", arguments.text("KEY")) + "/active";
    LODGE_TRY(auto done, session.client.post(path, {{"active", active}}));
    if (!print_json(session, done))
        session.out << (active ? "It is good again.\n" : "It is refused from now on.\n");
    return {};
}

Status delete_key(Session& session, const Arguments& arguments) {
    LODGE_TRY(auto done, session.client.remove(path_to("/v1/access-keys/", arguments.text("KEY"))));
    if (!print_json(session, done)) session.out << "Deleted.\n";
    return {};
}

// "none" or a number.
void put_limit(json& body, const char* member, const Arguments& arguments, std::string_view option) {
    if (!arguments.has(option)) return;
    auto text = arguments.text(option);
    body[member] = text == "none" ? json() : json(arguments.number(option, 0));
}

Status limits(Session& session, const Arguments& arguments) {
    json body = {{"reset", arguments.has("--reset")}};
    put_limit(body, "instances", arguments, "--instances");
    put_limit(body, "vcpus", arguments, "--vcpus");
    put_limit(body, "elastic_ips", arguments, "--elastic-ips");
    LODGE_TRY(auto shown,
              session.client.post(path_to("/v1/accounts/", arguments.text("ID")) + "/limits", body));
    if (print_json(session, shown)) return {};
    print_record(session.out, shown,
                 {{"Instances", "instances"}, {"vCPUs", "vcpus"}, {"Elastic addresses", "elastic_ips"}});
    return {};
}

Status list(Session& session, const Arguments&) {
    LODGE_TRY(auto body, session.client.get("/v1/accounts"));
    print_list(session, body, "accounts",
               {{"ID", "id"},
                {"NAME", "name"},
                {"OPERATOR", "operator"},
                {"ACCESS KEYS", "access_keys"},
                {"DISABLED", "disabled_keys"},
                {"CREATED", "created", Show::time}},
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
                      .needs = "--access-key"},
                     {.name = "--operator",
                      .takes = Takes::nothing,
                      .help = "Its keys open the operators' API"}},
         .run = create},
        {.group = "account",
         .name = "list",
         .summary = "List the accounts",
         .details = "",
         .examples = "  lodge account list",
         .options = {},
         .run = list},
        {.group = "account",
         .name = "limits",
         .summary = "Show or set how much an account may have in each region",
         .details =
             "Instances and vCPUs count while they hold capacity of a host: not those of stopped "
             "instances. What\nis not set for the account is as lodged's options --max-instances, "
             "--max-vcpus and --max-elastic-ips\nsay. What runs already goes on when a limit is lowered.",
         .examples = "  lodge account limits 123456789012\n"
                     "  lodge account limits 123456789012 --instances 20 --vcpus 64\n"
                     "  lodge account limits 123456789012 --vcpus none",
         .options =
             {{.name = "ID", .help = "The account's number", .required = true, .rule = account_id_rule()},
              {.name = "--instances",
               .placeholder = "COUNT",
               .help = "Instances at once; none for no limit",
               .rule = limit_rule()},
              {.name = "--vcpus",
               .placeholder = "COUNT",
               .help = "vCPUs at once; none for no limit",
               .rule = limit_rule()},
              {.name = "--elastic-ips",
               .placeholder = "COUNT",
               .help = "Elastic addresses; none for no limit",
               .rule = limit_rule()},
              {.name = "--reset",
               .takes = Takes::nothing,
               .help = "First forget what was set for the account"}},
         .run = limits},
        {.group = "account",
         .name = "operator",
         .summary = "Let an account's keys open the operators' API",
         .details =
             "That is /lodge/v1/ of the endpoint, where hosts, capacity and accounts are seen and changed.",
         .examples = "  lodge account operator 123456789012\n"
                     "  lodge account operator 123456789012 --undo",
         .options =
             {{.name = "ID", .help = "The account's number", .required = true, .rule = account_id_rule()},
              {.name = "--undo", .takes = Takes::nothing, .help = "No longer"}},
         .run = set_operator},
        {.group = "account",
         .name = "create-key",
         .summary = "Make one more access key of an account and print it",
         .details = "Prints lines for a shell to source, as account create does.",
         .examples = "  lodge account create-key 123456789012 > new.env",
         .options =
             {{.name = "ID", .help = "The account's number", .required = true, .rule = account_id_rule()}},
         .run = create_key},
        {.group = "account",
         .name = "disable-key",
         .summary = "Refuse an access key from now on",
         .details = "",
         .examples = "  lodge account disable-key LKIAEXAMPLE000000000\n"
                     "  lodge account disable-key LKIAEXAMPLE000000000 --undo",
         .options = {{.name = "KEY", .help = "The access key, see: lodge account list", .required = true},
                     {.name = "--undo", .takes = Takes::nothing, .help = "Take it again"}},
         .run = disable_key},
        {.group = "account",
         .name = "delete-key",
         .summary = "Delete an access key",
         .details = "What was made with it stays the account's.",
         .examples = "  lodge account delete-key LKIAEXAMPLE000000000",
         .options = {{.name = "KEY", .help = "The access key, see: lodge account list", .required = true}},
         .run = delete_key},
    };
}

}  // namespace lodge::cli

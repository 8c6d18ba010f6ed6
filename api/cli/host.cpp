#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "api/cli/commands.h"
#include "api/cli/output.h"
#include "api/cli/request.h"

namespace lodge::cli {
namespace {

using nlohmann::json;

const std::vector<Column> host_columns = {{"ID", "id"},
                                          {"NAME", "name"},
                                          {"ZONE", "zone"},
                                          {"ARCH", "architecture"},
                                          {"STATE", "state"},
                                          {"REACHABLE", "reachable"},
                                          {"CONDITION", "condition"},
                                          {"VCPUS", "vcpus", Show::number},
                                          {"FREE VCPUS", "vcpus_free", Show::number},
                                          {"MIB", "memory_mib", Show::number},
                                          {"FREE MIB", "memory_free_mib", Show::number},
                                          {"GUESTS", "guests", Show::number},
                                          {"HEARD", "last_heartbeat_ms_ago", Show::ago}};

Status list(Session& session, const Arguments&) {
    LODGE_TRY(auto body, session.client.get("/v1/hosts"));
    print_list(session, body, "hosts", host_columns,
               "No hosts yet. A new machine joins with a token: lodge host token");
    if (session.json) return {};
    for (const auto& host : rows(body, "hosts"))
        if (auto why = cell(host, "hypervisor_error"); why != "-")
            session.out << fmt::format("\n{}: its hypervisor says: {}\n", cell(host, "id"), why);
    return {};
}

Status token(Session& session, const Arguments& arguments) {
    json body = json::object();
    put(body, "zone", arguments, "--zone");
    if (arguments.has("--ttl-s")) body["ttl_s"] = arguments.number("--ttl-s", 0);
    LODGE_TRY(auto made, session.client.post("/v1/host-tokens", body));
    if (print_json(session, made)) return {};
    if (auto info = session.client.get("/v1/info"); info && made.is_object())
        for (const char* member : {"agent_endpoint", "ca_sha256"}) made[member] = cell(*info, member);
    print_record(session.out, made,
                 {{"Token", "token"},
                  {"Expires", "expires", Show::time},
                  {"Control plane", "agent_endpoint"},
                  {"CA's SHA-256", "ca_sha256"}});
    session.err << "Give these to lodge-agent on the new machine. The token works once.\n";
    return {};
}

Status drain(Session& session, const Arguments& arguments) {
    bool draining = !arguments.has("--undo");
    auto id = arguments.text("ID");
    LODGE_TRY(auto host, session.client.post(path_to("/v1/hosts/", id) + "/drain", {{"draining", draining}}));
    if (print_json(session, host)) return {};
    session.out << (draining ? fmt::format("{} takes no new instances; {} guests run on it.\n", id,
                                           cell(host, "guests"))
                             : fmt::format("{} takes new instances again.\n", id));
    return {};
}

Status fence(Session& session, const Arguments& arguments) {
    auto id = arguments.text("ID");
    LODGE_TRY(auto done, session.client.post(path_to("/v1/hosts/", id) + "/fence", json::object()));
    if (print_json(session, done)) return {};
    session.out << fmt::format(
        "{} is fenced; {} guests are taken for gone, and their instances are stopped.\n", id,
        cell(done, "guests_lost"));
    return {};
}

Status discard(Session& session, const Arguments& arguments) {
    auto id = arguments.text("ID");
    LODGE_TRY(auto done, session.client.post(path_to("/v1/leftovers/", id) + "/discard",
                                             {{"host_id", arguments.text("HOST")}}));
    if (!print_json(session, done)) session.out << fmt::format("{} ends within seconds.\n", id);
    return {};
}

Status forget_disks(Session& session, const Arguments& arguments) {
    LODGE_TRY(auto done, session.client.post(path_to("/v1/hosts/", arguments.text("ID")) + "/forget-disks",
                                             json::object()));
    if (!print_json(session, done))
        session.out << fmt::format("{} volumes are given up.\n", cell(done, "volumes_lost"));
    return {};
}

Status remove(Session& session, const Arguments& arguments) {
    LODGE_TRY(auto done, session.client.remove(path_to("/v1/hosts/", arguments.text("ID"))));
    if (!print_json(session, done)) session.out << "Removed; its agent is refused from now on.\n";
    return {};
}

}  // namespace

std::vector<Command> host_commands() {
    return {
        {.group = "host",
         .name = "list",
         .summary = "List the hosts, what is free on them and how they are",
         .details = "",
         .examples = "  lodge host list\n"
                     "  lodge host list --json | jq -r '.hosts[] | select(.reachable|not).id'",
         .options = {},
         .run = list},
        {.group = "host",
         .name = "token",
         .summary = "Make a one-time token with which a new machine joins",
         .details = "",
         .examples = "  lodge host token --zone lab-1a\n"
                     "  lodge host token --ttl-s 600",
         .options = {{.name = "--zone", .placeholder = "ZONE", .help = "The zone that the machine joins"},
                     {.name = "--ttl-s",
                      .takes = Takes::number,
                      .placeholder = "SECONDS",
                      .help = "How long the token is good",
                      .least = 1,
                      .most = 30 * 86400}},
         .run = token},
        {.group = "host",
         .name = "drain",
         .summary = "Place no new instances on a host",
         .details = "Its guests go on running, and instances whose root disk it holds start on it again. It "
                    "is empty "
                    "once they are terminated.",
         .examples = "  lodge host drain h-0123456789abcdef0\n"
                     "  lodge host drain h-0123456789abcdef0 --undo",
         .options = {{.name = "ID", .help = "The host's ID, see: lodge host list", .required = true},
                     {.name = "--undo", .takes = Takes::nothing, .help = "Let it take new instances again"}},
         .run = drain},
        {.group = "host",
         .name = "fence",
         .summary = "Say that an unreachable host is off, so that its guests are gone",
         .details =
             "Only when it is: pull its plug first. Lodge cannot see whether guests of a host that it does "
             "not "
             "hear still run. Their instances become stopped, and those that never came up end. When the "
             "host "
             "comes back, its agent ends what still runs before it does anything else; instances start again "
             "where their root disks are.",
         .examples = "  lodge host fence h-0123456789abcdef0",
         .options = {{.name = "ID", .help = "The host's ID, see: lodge host list", .required = true}},
         .run = fence},
        {.group = "host",
         .name = "discard",
         .summary = "End a guest or remove a disk on a host that the database does not know",
         .details = "lodge doctor lists them. After a restore they are what is newer than the backup, and "
                    "somebody's; "
                    "what the database knows cannot be discarded.",
         .examples = "  lodge host discard h-0123456789abcdef0 g-0123456789abcdef0",
         .options = {{.name = "HOST", .help = "The host's ID", .required = true},
                     {.name = "ID", .help = "The guest's or the disk's ID", .required = true}},
         .run = discard},
        {.group = "host",
         .name = "forget-disks",
         .summary = "Give up the volumes on the disks of a host that is gone for good",
         .details =
             "Of a drained host that is not heard and has no guests. Its volumes are lost, and snapshots "
             "that it had not sent yet are in error; completed ones are not on it.",
         .examples = "  lodge host forget-disks h-0123456789abcdef0 && lodge host remove h-0123456789abcdef0",
         .options = {{.name = "ID", .help = "The host's ID, see: lodge host list", .required = true}},
         .run = forget_disks},
        {.group = "host",
         .name = "remove",
         .summary = "Take a drained, empty host out for good",
         .details = "Its certificate is good no more; to come back, the machine joins with a new token.",
         .examples = "  lodge host drain h-0123456789abcdef0 && lodge host remove h-0123456789abcdef0",
         .options = {{.name = "ID", .help = "The host's ID, see: lodge host list", .required = true}},
         .run = remove},
    };
}

}  // namespace lodge::cli

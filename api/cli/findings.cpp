#include "api/cli/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>

#include "api/cli/output.h"
#include "api/cli/request.h"

namespace lodge::cli {
namespace {

using nlohmann::json;

constexpr std::int64_t calendar_step_ms = 5'000;

std::string name_of(const json& host) {
    return fmt::format("Host {} ({})", cell(host, "id"), cell(host, "name"));
}

// By its condition; a host that is well gives nothing.
void look_at_host(const json& host, std::vector<Finding>& found) {
    const auto condition = host.value("condition", "");
    if (condition == "unreachable")
        found.push_back(
            {name_of(host) + " is not heard; its guests may well run.",
             "Look at lodge-agent there (systemctl status lodge-agent) and at the network in between. If the "
             "machine is off for good, and only then: lodge host fence " +
                 cell(host, "id")});
    if (condition == "hypervisor-down")
        found.push_back({fmt::format("{}: its hypervisor does not answer: {}", name_of(host),
                                     cell(host, "hypervisor_error")),
                         "On the host: systemctl restart libvirtd. Guests go on meanwhile."});
    if (condition == "network-down")
        found.push_back(
            {fmt::format("{}: its network is down: {}", name_of(host), cell(host, "network_error")),
             "On the host: systemctl status openvswitch-switch ovn-controller. No guest with "
             "interfaces starts there meanwhile."});
    if (condition == "low-disk")
        found.push_back(
            {fmt::format("{} is low on disk: {} MiB are free.", name_of(host), cell(host, "disk_free_mib")),
             "Terminate instances there, or enlarge the file system of lodge-agent's state folder; old "
             "images "
             "are in its images/. It takes no new instance meanwhile."});
    if (condition == "draining")
        found.push_back({name_of(host) + " is draining, and takes no new instances.",
                         "When it may again: lodge host drain " + cell(host, "id") + " --undo"});
}

std::string discard_command(const json& unknown) {
    return fmt::format("lodge host discard {} {}", cell(unknown, "host_id"), cell(unknown, "id"));
}

void look_at_unknown(const json& unknown, std::vector<Finding>& found) {
    const auto host = cell(unknown, "host_id");
    const auto id = cell(unknown, "id");
    if (unknown.value("kind", "") == "disk") {
        found.push_back({fmt::format("Host {} has a root disk {} that the database does not know.", host, id),
                         "If nobody misses it: " + discard_command(unknown)});
    } else if (unknown.value("on", false)) {
        found.push_back(
            {fmt::format("Host {} runs a guest {} of {} instance {} that the database does not know.", host,
                         id, unknown.value("instance_known", false) ? "the" : "an unknown",
                         cell(unknown, "instance_id")),
             "It goes on until you decide. If nobody misses it, end it: " + discard_command(unknown)});
    } else {
        found.push_back(
            {fmt::format("Host {} has the definition of a guest {} that is off and that the database does "
                         "not know.",
                         host, id),
             discard_command(unknown) + ", or lodge doctor --mend; disks stay",
             path_to("/v1/leftovers/", id) + "/discard", host});
    }
}

// A database that does not know of what its hosts run has lost it: a backup's.
void look_for_restored(const json& diagnosis, std::vector<Finding>& found) {
    const auto hosts = rows(diagnosis, "hosts_of_newer_epoch");
    const auto unknown = rows(diagnosis, "unknown");
    const auto running = std::count_if(unknown.begin(), unknown.end(),
                                       [](const json& each) { return each.value("on", false); });
    if (hosts.empty() && running == 0) return;
    const std::string why = hosts.empty() ? fmt::format("hosts run {} guests that it does not know", running)
                                          : "hosts know a higher epoch than it has";
    found.push_back(
        {"The database is behind its hosts, as one restored from a backup is: " + why + ".",
         "If there is a newer database, stop lodged and put it back (lodge restore). If not, what was made "
         "since the backup is lost to EC2's users; nothing of it ends by itself, and each is listed here."});
}

void look_at_ended(const json& diagnosis, std::vector<Finding>& found) {
    for (const auto& each : rows(diagnosis, "ended_by_themselves"))
        found.push_back({fmt::format("Instance {} on host {} is stopped, and nobody stopped it: {}.",
                                     cell(each, "id"), cell(each, "host_id"), cell(each, "reason")),
                         "Its disk is kept: aws ec2 start-instances --instance-ids " + cell(each, "id")});
}

// What is gone is gone; what it lies on may be had again.
void look_for_missing(const json& diagnosis, std::vector<Finding>& found) {
    for (const auto& each : rows(diagnosis, "missing_disks")) {
        const auto id = cell(each, "id");
        const auto of = each.value("instance_id", "");
        const auto snapshot = each.value("snapshot_id", "");
        found.push_back({fmt::format("The file of {}{} is not on host {}, where it was.", id,
                                     of.empty() ? "" : " of " + of, cell(each, "host_id")),
                         "Put it back into disks/ of lodge-agent's state folder there, if you have it. Else "
                         "the volume is "
                         "lost: " +
                             (of.empty() ? "aws ec2 delete-volume --volume-id " + id
                                         : "its instance does not start with it") +
                             (snapshot.empty() ? "." : "; its last snapshot is " + snapshot + ".")});
    }
}

}  // namespace

std::vector<Finding> findings_of(const json& info, const json& hosts, const json& diagnosis) {
    std::vector<Finding> found;
    if (auto set_ms = diagnosis.value("calendar_set_ms", std::int64_t{0});
        std::abs(set_ms) > calendar_step_ms)
        found.push_back(
            {fmt::format("The date has been set by {} s since lodged started.", set_ms / 1000),
             "Lodge goes by steady time and ends nothing for it. Signed requests are refused while the date "
             "is "
             "more than 15 minutes off the clients': see timedatectl; then systemctl restart lodged."});
    look_for_restored(diagnosis, found);
    if (auto problem = info.value("network_problem", ""); !problem.empty())
        found.push_back({"OVN does not follow the control plane: " + problem + ".",
                         "See that ovn-northd and OVN's databases run (systemctl status ovn-central); lodged "
                         "goes on by itself."});
    if (auto problem = diagnosis.value("keys_problem", ""); !problem.empty())
        found.push_back({"Encrypted volumes cannot be opened: " + problem + ".",
                         "Put the right file in its place and restart lodged; without it what they hold is "
                         "lost. Guests that run go on."});
    if (rows(hosts, "hosts").empty())
        found.push_back(
            {"There is no host.", "On each machine: lodge-agent with what lodge host token prints"});
    for (const auto& host : rows(hosts, "hosts")) look_at_host(host, found);
    for (const auto& unknown : rows(diagnosis, "unknown")) look_at_unknown(unknown, found);
    look_for_missing(diagnosis, found);
    look_at_ended(diagnosis, found);
    return found;
}

}  // namespace lodge::cli

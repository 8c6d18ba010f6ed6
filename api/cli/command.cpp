#include "api/cli/command.h"

#include <charconv>

#include "api/cli/commands.h"

namespace lodge::cli {

std::string Arguments::text(std::string_view name) const {
    auto found = values_.find(std::string(name));
    return found == values_.end() ? std::string() : found->second;
}

std::int64_t Arguments::number(std::string_view name, std::int64_t otherwise) const {
    std::string digits = text(name);
    std::int64_t value = otherwise;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
}

std::string Command::path() const {
    return group.empty() ? std::string(name) : std::string(group) + " " + std::string(name);
}

CommandTree command_tree() {
    CommandTree tree;
    tree.global_options = {
        {.name = "--state-dir",
         .takes = Takes::file,
         .placeholder = "DIR",
         .help = "lodged's state folder (default: $LODGE_STATE_DIR or /var/lib/lodge)"},
        {.name = "--socket",
         .takes = Takes::file,
         .placeholder = "PATH",
         .help = "lodged's socket (default: DIR/lodged.sock)"},
        {.name = "--json", .takes = Takes::nothing, .help = "Print lodged's answer as JSON, for scripts"},
    };
    tree.groups = {
        {"account", "Accounts and their access keys"},
        {"host", "The machines that guests run on"},
        {"image", "What guests boot from"},
        {"instance", "EC2 instances, of all accounts"},
        {"network", "What gets through between instances and the outside"},
        {"placement", "Where instances would go, and why"},
    };
    for (auto* commands :
         {info_commands, account_commands, host_commands, image_commands, instance_commands, network_commands,
          placement_commands, doctor_commands, backup_commands, completion_commands})
        for (auto& command : commands()) tree.commands.push_back(std::move(command));
    return tree;
}

}  // namespace lodge::cli

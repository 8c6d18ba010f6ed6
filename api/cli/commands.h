// Each file of commands offers its rows; command_tree() puts them together.
#pragma once

#include <vector>

#include "api/cli/command.h"

namespace lodge::cli {

std::vector<Command> account_commands();
std::vector<Command> backup_commands();
std::vector<Command> completion_commands();
std::vector<Command> doctor_commands();
std::vector<Command> host_commands();
std::vector<Command> image_commands();
std::vector<Command> info_commands();
std::vector<Command> instance_commands();
std::vector<Command> network_commands();
std::vector<Command> placement_commands();

// `lodge image import`, a file of its own.
Command image_import_command();

}  // namespace lodge::cli

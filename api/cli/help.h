// Help texts, made from the command tree. Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>

#include "api/cli/command.h"

namespace lodge::cli {

// `lodge --help`.
std::string top_help(const CommandTree& tree);
// `lodge image --help`.
std::string group_help(const CommandTree& tree, const Group& group);
// `lodge image import --help`.
std::string command_help(const CommandTree& tree, const Command& command);

// Of the place that `path` ("image import") names; of the top for any other text.
std::string help_for(const CommandTree& tree, std::string_view path);

// What an option's value looks like: "ZONE", "qcow2|raw"; empty for flags and positionals.
std::string placeholder(const Option& option);

}  // namespace lodge::cli

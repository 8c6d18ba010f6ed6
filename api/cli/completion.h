// The shells' completion scripts, made from the command tree. Pure functions; any thread.
#pragma once

#include <string>

#include "api/cli/command.h"

namespace lodge::cli {

// To be sourced by bash 4.4 or later; needs no bash-completion package.
std::string bash_completion(const CommandTree& tree);

// To be sourced by zsh after compinit, or kept as a file "_lodge" in $fpath.
std::string zsh_completion(const CommandTree& tree);

}  // namespace lodge::cli

#include "api/cli/completion.h"

#include <fmt/format.h>

#include <ostream>

#include "api/cli/commands.h"
#include "api/cli/session.h"

namespace lodge::cli {
namespace {

// Both shells run the same function; only how they ask it and show its answer differs. It walks the words
// between `lodge` and the one to complete, and sets
//   entries  words that may come here, each with ":" and its help,
//   flags    options that may come here, likewise,
//   files    not empty: a file's name may come here.
constexpr std::string_view candidates_begin = R"(__lodge_candidates() {
    local at='' of='' word
    entries=() flags=() files=
    while (($#)); do
        word=$1
        shift
        case "$at:$word" in
)";
constexpr std::string_view at_option = R"(
            [[ ${1-} == '=' ]] && shift
            (($#)) || of=$word
            (($#)) && shift
            ;;
)";
constexpr std::string_view candidates_values = R"(        esac
    done
    case "$at:$of" in
        *:) ;;
)";
constexpr std::string_view candidates_places = R"(        *) return ;;
    esac
    case "$at" in
)";
constexpr std::string_view candidates_end = R"(    esac
}
)";

constexpr std::string_view bash_end = R"(
_lodge() {
    local entries flags files entry cur=${COMP_WORDS[COMP_CWORD]}
    [[ $cur == '=' ]] && cur=
    __lodge_candidates "${COMP_WORDS[@]:1:COMP_CWORD-1}"
    if [[ $cur == -* || (${#entries[@]} -eq 0 && -z $files) ]]; then
        entries=("${flags[@]}")
        files=
    fi
    COMPREPLY=()
    if [[ -n $files ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    fi
    for entry in "${entries[@]}"; do
        entry=${entry%%:*}
        [[ $entry == "$cur"* ]] && COMPREPLY+=("$entry")
    done
}
complete -F _lodge lodge
)";

constexpr std::string_view zsh_end = R"(
_lodge() {
    local files cur=${words[CURRENT]}
    local -a entries flags before
    ((CURRENT > 2)) && before=("${(@)words[2,CURRENT-1]}")
    if [[ $cur == --*=* ]]; then
        before+=("${cur%%=*}")
        compset -P '*='
        cur=
    fi
    __lodge_candidates "${before[@]}"
    if [[ $cur == -* || (${#entries} -eq 0 && -z $files) ]]; then
        ((${#flags})) && _describe -o option flags
        return
    fi
    [[ -n $files ]] && _files
    ((${#entries})) && _describe lodge entries
}
if [[ ${funcstack[1]} == _lodge ]]; then
    _lodge "$@"
else
    compdef _lodge lodge
fi
)";

const Option help_option = {
    .name = "--help", .takes = Takes::nothing, .help = "Print a help message and exit"};

std::string quote(std::string_view text) {
    std::string out = "'";
    for (char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

std::string entry(std::string_view word, std::string_view help) {
    return fmt::format(" {}", quote(fmt::format("{}:{}", word, help)));
}

// The pattern for `option` after `path`; an empty path stands for every path.
std::string pattern(std::string_view path, const Option& option) {
    return path.empty() ? fmt::format("*:{}", option.name) : quote(fmt::format("{}:{}", path, option.name));
}

template <class Visit>
void each_option(const CommandTree& tree, Visit visit) {
    for (const auto& option : tree.global_options) visit(std::string(), option);
    for (const auto& command : tree.commands)
        for (const auto& option : command.options)
            if (!option.positional()) visit(command.path(), option);
}

// How the words walked so far lead on.
std::string steps(const CommandTree& tree) {
    std::string options;
    each_option(tree, [&](const std::string& path, const Option& option) {
        if (option.takes != Takes::nothing) options += (options.empty() ? "" : " | ") + pattern(path, option);
    });
    std::string out = "        " + options + ")" + std::string(at_option);
    auto step = [&](std::string_view from, std::string_view word, std::string_view to) {
        out += fmt::format("        {}) at={} ;;\n", quote(fmt::format("{}:{}", from, word)), quote(to));
    };
    for (const auto& group : tree.groups) step("", group.name, group.name);
    for (const auto& command : tree.commands) step(command.group, command.name, command.path());
    return out;
}

// What may come as `option`'s value; empty for free text.
std::string value_line(const Option& option) {
    if (option.takes == Takes::file) return "files=1";
    if (option.takes != Takes::choice) return "";
    std::string words;
    for (auto choice : option.choices) words.append(" ").append(quote(choice));
    return fmt::format("entries=({})", words.substr(1));
}

std::string values(const CommandTree& tree) {
    std::string out;
    each_option(tree, [&](const std::string& path, const Option& option) {
        if (auto line = value_line(option); !line.empty())
            out += fmt::format("        {}) {}; return ;;\n", pattern(path, option), line);
    });
    return out;
}

std::string flag_entries(const CommandTree& tree, const std::vector<Option>& own) {
    std::string out;
    for (const auto* options : {&own, &tree.global_options})
        for (const auto& option : *options)
            if (!option.positional()) out += entry(option.name, option.help);
    return (out + entry(help_option.name, help_option.help)).substr(1);
}

// `line` sets what may come at the place beside the flags; may be empty.
std::string place(std::string_view path, const std::string& line, const std::string& flags) {
    std::string out = fmt::format("        {})\n", quote(path));
    if (!line.empty()) out += fmt::format("            {}\n", line);
    return out + fmt::format("            flags=({})\n            ;;\n", flags);
}

std::string entries_line(const std::string& entries) {
    return fmt::format("entries=({})", entries.substr(1));
}

std::string positional_line(const Command& command) {
    for (const auto& option : command.options)
        if (option.positional()) return value_line(option);
    return "";
}

// The words and options at each place of the tree.
std::string places(const CommandTree& tree) {
    std::string top;
    for (const auto& group : tree.groups) top += entry(group.name, group.summary);
    for (const auto& command : tree.commands)
        if (command.group.empty()) top += entry(command.name, command.summary);
    std::string flags = flag_entries(tree, {});
    std::string out = place("", entries_line(top), flags + entry("--version", "Print the version and exit"));
    for (const auto& group : tree.groups) {
        std::string inner;
        for (const auto& command : tree.commands)
            if (command.group == group.name) inner += entry(command.name, command.summary);
        out += place(group.name, entries_line(inner), flags);
    }
    for (const auto& command : tree.commands)
        out += place(command.path(), positional_line(command), flag_entries(tree, command.options));
    return out;
}

std::string candidates(const CommandTree& tree) {
    return fmt::format("{}{}{}{}{}{}{}", candidates_begin, steps(tree), candidates_values, values(tree),
                       candidates_places, places(tree), candidates_end);
}

Status completion(Session& session, const Arguments& arguments) {
    auto tree = command_tree();
    session.out << (arguments.text("SHELL") == "zsh" ? zsh_completion(tree) : bash_completion(tree));
    return {};
}

}  // namespace

std::string bash_completion(const CommandTree& tree) {
    return fmt::format("# bash completion for lodge {}, made by: lodge completion bash\n{}{}", version,
                       candidates(tree), bash_end);
}

std::string zsh_completion(const CommandTree& tree) {
    return fmt::format("#compdef lodge\n# zsh completion for lodge {}, made by: lodge completion zsh\n{}{}",
                       version, candidates(tree), zsh_end);
}

std::vector<Command> completion_commands() {
    return {{.group = "",
             .name = "completion",
             .summary = "Print a completion script for a shell",
             .details = "",
             .examples = "  source <(lodge completion bash)\n"
                         "  lodge completion bash > /usr/share/bash-completion/completions/lodge\n"
                         "  lodge completion zsh > /usr/local/share/zsh/site-functions/_lodge",
             .options = {{.name = "SHELL",
                          .takes = Takes::choice,
                          .help = "bash or zsh",
                          .required = true,
                          .choices = {"bash", "zsh"}}},
             .run = completion}};
}

}  // namespace lodge::cli

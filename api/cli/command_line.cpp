#include "api/cli/command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "api/cli/help.h"
#include "api/cli/session.h"
#include "proto/base/number.h"

namespace lodge::cli {
namespace {

bool in_range(const std::string& text, const Option& option) {
    const auto value = parse_number<std::int64_t>(text);
    return value && *value >= option.least && *value <= option.most;
}

// What is wrong with an option's value; empty: nothing.
std::string objection(const Option& option, const std::string& value) {
    const auto& choices = option.choices;
    if (option.positional() && value.empty()) return "must not be empty";
    if (option.takes == Takes::choice && std::find(choices.begin(), choices.end(), value) == choices.end())
        return fmt::format("'{}' must be one of {}", value, fmt::join(choices, ", "));
    if (option.takes == Takes::number && !in_range(value, option))
        return fmt::format("'{}' must be a number from {} to {}", value, option.least, option.most);
    if (option.rule.holds && !option.rule.holds(value))
        return fmt::format("'{}' must be {}", value, option.rule.must_be);
    return "";
}

CLI::Option* add_option(CLI::App& app, const Option& option, Arguments& into) {
    std::string name(option.name);
    if (option.takes == Takes::nothing)
        return app.add_flag_callback(name, [&into, name] { into.set(name, "yes"); });
    auto set = [&into, name](const std::string& value) { into.set(name, value); };
    auto* made = app.add_option_function<std::string>(name, set);
    made->required(option.required);
    made->check([&option](const std::string& value) { return objection(option, value); });
    return made;
}

void add_options(CLI::App& app, const std::vector<Option>& options, Arguments& into) {
    std::map<std::string_view, CLI::Option*> made;
    for (const auto& option : options) made[option.name] = add_option(app, option, into);
    for (const auto& option : options)
        if (!option.needs.empty()) made[option.name]->needs(made[option.needs]);
}

// The words after the program's name, last first, as CLI11 wants them. "--option=" becomes "--option" and an
// empty word: CLI11 2.1 would take the next word as its value.
std::vector<std::string> words_of(int argc, const char* const* argv) {
    std::vector<std::string> words;
    bool options = true;
    for (int i = 1; i < argc; ++i) {
        std::string word = argv[i];
        options = options && word != "--";
        bool empty_value = options && word.starts_with("--") && word.find('=') == word.size() - 1;
        if (empty_value) word.pop_back();
        words.push_back(std::move(word));
        if (empty_value) words.emplace_back();
    }
    std::reverse(words.begin(), words.end());
    return words;
}

class Parser {
  public:
    explicit Parser(const CommandTree& tree) : tree_(tree), app_("", "lodge") {
        app_.set_version_flag("--version", fmt::format("lodge {}", version));
        add_options(app_, tree.global_options, read_.global);
        if (auto* state_dir = app_.get_option_no_throw("--state-dir")) state_dir->envname("LODGE_STATE_DIR");
        app_.require_subcommand(1);
        for (const auto& group : tree.groups)
            app_.add_subcommand(std::string(group.name))->require_subcommand(1)->fallthrough();
        for (const auto& command : tree.commands) add_command(command);
    }

    CommandLine parse(int argc, const char* const* argv) {
        try {
            app_.parse(words_of(argc, argv));
            for (const auto& [app, command] : commands_)
                if (app->parsed()) read_.command = command;
        } catch (const CLI::CallForVersion& version_text) {
            read_.to_print = fmt::format("{}\n", version_text.what());
        } catch (const CLI::CallForHelp&) {
            read_.to_print = help_for(tree_, path_of(last_parsed()));
        } catch (const CLI::ParseError& error) {
            read_.wrong = true;
            read_.to_print = complaint(error);
        }
        return std::move(read_);
    }

  private:
    void add_command(const Command& command) {
        CLI::App* parent = &app_;
        if (!command.group.empty()) parent = app_.get_subcommand(std::string(command.group));
        auto* app = parent->add_subcommand(std::string(command.name))->fallthrough();
        add_options(*app, command.options, read_.arguments);
        commands_.emplace_back(app, &command);
    }

    // The innermost command that the words got to.
    const CLI::App* last_parsed() const {
        const CLI::App* at = &app_;
        for (auto inner = at->get_subcommands(); !inner.empty(); inner = at->get_subcommands())
            at = inner.back();
        return at;
    }

    // "image import"; empty at the top.
    static std::string path_of(const CLI::App* app) {
        std::string path;
        for (; app->get_parent(); app = app->get_parent())
            path = app->get_name() + (path.empty() ? "" : " ") + path;
        return path;
    }

    std::string complaint(const CLI::ParseError& error) const {
        const auto* app = last_parsed();
        auto path = path_of(app);
        bool wants_command = !app->get_subcommands({}).empty();
        auto unknown = app_.remaining(true);
        if (wants_command && unknown.empty()) return help_for(tree_, path);
        std::string what = error.what();
        if (wants_command) what = fmt::format("there is no command '{}'", unknown.front());
        return fmt::format("lodge: {}\nSee: lodge {}{}--help\n", what, path, path.empty() ? "" : " ");
    }

    const CommandTree& tree_;
    CLI::App app_;
    CommandLine read_;
    std::vector<std::pair<CLI::App*, const Command*>> commands_;
};

}  // namespace

CommandLine read_command_line(const CommandTree& tree, int argc, const char* const* argv) {
    return Parser(tree).parse(argc, argv);
}

}  // namespace lodge::cli

#!/usr/bin/env python3
"""Turns the IDL files of this folder into C++ structs, field tables and handler declarations.

The grammar is in README.md. Standard library only. With --markdown, prints the table of actions for the README instead.
"""
import argparse
import json
import pathlib
import re
import sys

SCALARS = {
    "string": ("std::string", "Kind::string"),
    "int": ("std::int64_t", "Kind::integer"),
    "bool": ("bool", "Kind::boolean"),
    "double": ("double", "Kind::real"),
    "timestamp": ("lodge::UnixMs", "Kind::timestamp"),
    "blob": ("std::string", "Kind::blob"),
}
# What no member or function can be called: C++'s keywords, and macros of the C library in small letters.
KEYWORDS = set("""alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t char8_t class
co_await co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype default delete do
double dynamic_cast else enum explicit export extern false float for friend goto if inline int long mutable namespace new
noexcept not not_eq nullptr operator or or_eq private protected public register reinterpret_cast requires return short signed
sizeof static static_assert static_cast struct switch template this thread_local throw true try typedef typeid typename union
unsigned using virtual void volatile wchar_t while xor xor_eq assert errno stderr stdin stdout""".split())
# What is there already in the namespace that structs are put into: table.h.
TAKEN = {"Access", "ActionTable", "Field", "Honour", "Kind", "StructTable"}
NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
WIRE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")
LEAST, MOST = -(2**63) + 1, 2**63 - 1  # the least of all stands for no bound
TOKEN = re.compile(r'\s*(?:#[^\n]*|("(?:[^"\\]|\\.)*")|([A-Za-z_][A-Za-z0-9_]*)|(-?\d+)|([{}<>]))')


class IdlError(Exception):
    pass


def shown(word):
    """A word of a file in a message, which stays a line."""
    return repr(word if len(word) <= 40 else word[:40] + "…")


class Tokens:
    """The words of one file, with their lines for error messages."""

    def __init__(self, path, text):
        self.path, self.items, self.at = path, [], 0
        pos = 0
        text = text.rstrip()
        while pos < len(text):
            match = TOKEN.match(text, pos)
            if not match or match.end() == pos:
                raise IdlError(f"{path}:{text.count(chr(10), 0, pos) + 1}: cannot read {shown(text[pos:pos + 20])}")
            if match.lastindex:
                word = match.group(match.lastindex)
                self.items.append((word, text.count("\n", 0, match.start(match.lastindex)) + 1))
            pos = match.end()

    def peek(self):
        return self.items[self.at][0] if self.at < len(self.items) else None

    def next(self):
        if self.at >= len(self.items):
            raise IdlError(f"{self.path}: ends too early")
        self.at += 1
        return self.items[self.at - 1][0]

    def fail(self, why):
        line = self.items[min(self.at, len(self.items)) - 1][1]
        raise IdlError(f"{self.path}:{line}: {why}")

    def expect(self, word):
        got = self.next()
        if got != word:
            self.fail(f"expected {word!r}, found {shown(got)}")

    def word(self):
        word = self.next()
        if not re.fullmatch(r"[A-Za-z_]\w*", word):
            self.fail(f"expected a name, found {shown(word)}")
        return word

    def name(self):
        """Of an action, a struct or a member."""
        word = self.word()
        if not NAME.fullmatch(word):
            self.fail(f"a name is made of letters and digits and begins with a capital, unlike {shown(word)}")
        return word

    def text(self):
        word = self.next()
        if not word.startswith('"'):
            self.fail(f"expected a quoted text, found {shown(word)}")
        try:
            text = json.loads(word)
        except ValueError:
            text = None
        if text is None or not text.isascii() or not text.isprintable():
            self.fail(f"a text holds printable ASCII, unlike {shown(word)}")
        return text

    def wire_name(self):
        text = self.text()
        if not WIRE_NAME.fullmatch(text):
            self.fail(f"a name on the wire is made of letters and digits, unlike {shown(text)}")
        return text

    def number(self):
        word = self.next()
        if not re.fullmatch(r"-?\d{1,19}", word) or not LEAST <= int(word) <= MOST:
            self.fail(f"expected a number of 64 bits, found {shown(word)}")
        return int(word)


def snake(name):
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name).lower()
    return name + "_" if name in KEYWORDS else name


def lower_camel(name):
    return name[:1].lower() + name[1:]


class Member:
    def __init__(self, name, base, is_list):
        self.name, self.base, self.is_list = name, base, is_list
        self.required, self.blank, self.honour, self.note, self.only = False, False, "honoured", "", ""
        self.query, self.xml, self.low, self.high, self.values = name, None, None, None, []

    @property
    def stored(self):
        return self.honour == "honoured"

    def cpp_type(self):
        inner = SCALARS[self.base][0] if self.base in SCALARS else self.base
        if self.is_list:
            return f"std::vector<{inner}>"
        return inner if self.required else f"std::optional<{inner}>"

    def xml_name(self, protocol):
        if self.xml:
            return self.xml
        if protocol == "query":
            return self.name
        return lower_camel(self.name) + ("Set" if self.is_list else "")


def parse_type(tokens):
    word = tokens.word()
    if word != "list":
        return word, False
    tokens.expect("<")
    inner = tokens.word()
    tokens.expect(">")
    return inner, True


def parse_member(tokens):
    name = tokens.name()
    member = Member(name, *parse_type(tokens))
    while tokens.peek() in ("required", "blank", "query", "xml", "range", "length", "oneof", "ignored", "unsupported", "only"):
        word = tokens.next()
        if word in ("required", "blank"):
            setattr(member, word, True)
        elif word in ("query", "xml"):
            setattr(member, word, tokens.wire_name())
        elif word in ("range", "length"):
            parse_bounds(tokens, member, word)
        elif word == "oneof":
            parse_choices(tokens, member)
        else:
            member.honour = word
            member.only = tokens.text() if word == "only" else ""
            member.note = tokens.text()
    if member.is_list and member.base == "bool":
        tokens.fail(f"{name} is a list of bool, which std::vector has no references into")
    if member.required and not member.stored:
        tokens.fail(f"{name} cannot be required and not honoured")
    return member


def parse_bounds(tokens, member, word):
    member.low, member.high = tokens.number(), tokens.number()
    of = "int" if word == "range" else "string"
    if member.base != of:
        tokens.fail(f"{word} is for {of}, and {member.name} is none")
    if member.low > member.high:
        tokens.fail(f"{member.name} has its bounds the wrong way round")


def parse_choices(tokens, member):
    while tokens.peek() and tokens.peek().startswith('"'):
        member.values.append(tokens.text())
    if member.base != "string" or not member.values:
        tokens.fail(f"oneof is for string and followed by texts, and {member.name} is none or has none")


def parse_members(tokens, protocol):
    members, seen = [], set()
    tokens.expect("{")
    while tokens.peek() != "}":
        member = parse_member(tokens)
        # Two that differ may still be one in the form, in the reply or in C++.
        uses = {("query", member.query), ("C++", snake(member.name))}
        uses |= {("xml", member.xml_name(protocol))} if member.stored else set()
        if uses & seen:
            tokens.fail(f"{member.name} is there twice")
        seen |= uses
        members.append(member)
    tokens.expect("}")
    return members


class Model:
    """All files together: structs and actions by name, in order."""

    def __init__(self):
        self.structs, self.actions, self.protocol_of, self.file_of = {}, {}, {}, {}
        self.snakes = set()  # what is called snake(name) in C++

    def take_name(self, tokens, name):
        if snake(name) in self.snakes or name in TAKEN:
            tokens.fail(f"{name} is defined twice")
        self.snakes.add(snake(name))

    def add_struct(self, tokens, name, members, protocol):
        self.take_name(tokens, name)
        self.structs[name], self.protocol_of[name] = members, protocol
        self.file_of[name] = pathlib.Path(tokens.path).stem

    def add_action(self, tokens, service, protocol):
        name, mode = tokens.name(), tokens.word()
        if mode not in ("read", "write"):
            tokens.fail(f"an action is 'read' or 'write', not {shown(mode)}")
        if name in self.actions:
            tokens.fail(f"{name} is defined twice")
        tokens.expect("{")
        tokens.expect("request")
        self.add_struct(tokens, name + "Request", parse_members(tokens, protocol), protocol)
        tokens.expect("response")
        alias = None
        if tokens.peek() == "{":
            self.add_struct(tokens, name + "Response", parse_members(tokens, protocol), protocol)
        else:
            alias = tokens.name()
            self.take_name(tokens, name + "Response")
        tokens.expect("}")
        self.actions[name] = {"service": service, "write": mode == "write", "alias": alias,
                              "file": pathlib.Path(tokens.path).stem}

    def read(self, path):
        tokens = Tokens(path, pathlib.Path(path).read_text())
        service, protocol = "ec2", "ec2"
        while tokens.peek():
            word = tokens.word()
            if word == "service":
                service, protocol = tokens.word(), tokens.word()
            elif word == "struct":
                name = tokens.name()
                self.add_struct(tokens, name, parse_members(tokens, protocol), protocol)
            elif word == "action":
                self.add_action(tokens, service, protocol)
            else:
                tokens.fail(f"expected service, struct or action, found {shown(word)}")

    def check(self):
        for name, members in self.structs.items():
            for member in members:
                if member.base not in SCALARS and member.base not in self.structs:
                    raise IdlError(f"{name}.{member.name}: no type {member.base}")
        for name, action in self.actions.items():
            if action["alias"] and action["alias"] not in self.structs:
                raise IdlError(f"{name}: no struct {action['alias']}")

    def ordered(self):
        done, order = set(), []

        def visit(name, trail):
            if name in trail:
                raise IdlError(f"{name} contains itself")
            if name in done:
                return
            for member in self.structs[name]:
                if member.base in self.structs and member.stored:
                    visit(member.base, trail | {name})
            done.add(name)
            order.append(name)

        for name in self.structs:
            visit(name, frozenset())
        return order


GENERATED = "// Generated by proto/ec2/generate.py from proto/ec2/{}.idl. Do not edit."


def files_used(model, file):
    """The other files whose structs this one holds or answers with."""
    bases = {m.base for name, members in model.structs.items() if model.file_of[name] == file
             for m in members if m.stored}
    bases |= {a["alias"] for a in model.actions.values() if a["file"] == file and a["alias"]}
    return sorted({model.file_of[base] for base in bases if base in model.structs} - {file})


def check_no_cycle(model, file, trail=()):
    if file in trail:
        raise IdlError(f"{file}.idl needs itself: " + " -> ".join((*trail, file)))
    for other in files_used(model, file):
        check_no_cycle(model, other, (*trail, file))


def render_struct(model, name):
    out = [f"struct {name} {{"]
    for member in model.structs[name]:
        if member.stored:
            init = "{}" if member.required and not member.is_list else ""
            out.append(f"    {member.cpp_type()} {snake(member.name)}{init};")
    return [*out, "};", ""]


def render_file(model, file):
    """The header of one IDL file: its structs, and the handlers of its actions."""
    check_no_cycle(model, file)
    structs = [name for name in model.ordered() if model.file_of[name] == file]
    actions = [name for name in model.actions if model.actions[name]["file"] == file]
    out = [GENERATED.format(file), "#pragma once", "", "#include <cstdint>", "#include <optional>", "#include <string>",
           "#include <vector>", "", '#include "proto/base/clock.h"', '#include "proto/base/result.h"',
           *(f'#include "proto/ec2/{other}.h"' for other in files_used(model, file)), '#include "proto/ec2/table.h"', "",
           "namespace lodge::ec2 {", ""]
    for name in structs:
        out += render_struct(model, name)
    out += [f"using {name}Response = {model.actions[name]['alias']};" for name in actions if model.actions[name]["alias"]]
    out += [f"extern const StructTable {snake(name)}_table;" for name in structs]
    out += ["", "}  // namespace lodge::ec2", ""]
    if actions:
        out += ["namespace lodge::api {", "", "class RequestContext;", ""]
        out += [f"Result<ec2::{name}Response> {snake(name)}(RequestContext& context, "
                f"const ec2::{name}Request& request);" for name in actions]
        out += ["", "}  // namespace lodge::api", ""]
    return "\n".join(out)


def render_actions(model, files):
    """What covers all files: the table of actions."""
    out = [GENERATED.format("*"), "#pragma once", "", *(f'#include "proto/ec2/{file}.h"' for file in files), "",
           "namespace lodge::ec2 {", "", "// Every action, by name.",
           f"inline constexpr std::size_t action_count = {len(model.actions)};",
           "extern const ActionTable actions[action_count];", "", "}  // namespace lodge::ec2", "",
           "// X(Name, handler) for every action, in the order of ec2::actions.", "#define LODGE_ACTIONS(X) \\"]
    out += [f"    X({name}, {snake(name)}) \\" for name in model.actions]
    return "\n".join([*out, "", ""])


def quote(text):
    return json.dumps(text, ensure_ascii=True)


def render_field(struct, member, protocol):
    kind = SCALARS[member.base][1] if member.base in SCALARS else "Kind::structure"
    sub = "nullptr" if member.base in SCALARS else f"&{snake(member.base)}_table"
    values, count = "nullptr", 0
    if member.values:
        values, count = f"{snake(struct)}_{snake(member.name)}_values", len(member.values)
    access = f"access<&{struct}::{snake(member.name)}>()" if member.stored else "Access{}"
    low = "no_bound" if member.low is None else member.low
    high = "no_bound" if member.high is None else member.high
    flags = ", ".join([*(str(f).lower() for f in (member.is_list, member.required, member.blank)), f"Honour::{member.honour}"])
    return (f"    {{{quote(member.query)}, {quote(member.xml_name(protocol))}, {kind}, {flags}, "
            f"{quote(member.only)}, {quote(member.note)}, {low}, {high}, {values}, {count}, {sub}, {access}}},")


def render_tables(model, file):
    """The tables of one IDL file's structs."""
    structs = [name for name in model.ordered() if model.file_of[name] == file]
    others = {model.file_of[m.base] for name in structs for m in model.structs[name] if m.base in model.structs}
    out = [GENERATED.format(file), *(f'#include "proto/ec2/{each}.h"' for each in sorted(others | {file})), "",
           "namespace lodge::ec2 {", "namespace {", ""]
    for name in structs:
        members = model.structs[name]
        for member in members:
            if member.values:
                listed = ", ".join(quote(v) for v in member.values)
                out.append(f"constexpr std::string_view {snake(name)}_{snake(member.name)}_values[] = {{{listed}}};")
        if members:
            out.append(f"const Field {snake(name)}_fields[] = {{")
            out += [render_field(name, m, model.protocol_of[name]) for m in members]
            out += ["};", ""]
    out += ["}  // namespace", ""]
    for name in structs:
        fields = f"{{{snake(name)}_fields, {len(model.structs[name])}}}" if model.structs[name] else "{}"
        out.append(f"const StructTable {snake(name)}_table = {{{quote(name)}, {fields}}};")
    return "\n".join([*out, "", "}  // namespace lodge::ec2", ""])


def render_action_table(model):
    out = [GENERATED.format("*"), '#include "proto/ec2/actions.h"', "", "namespace lodge::ec2 {", "",
           "const ActionTable actions[action_count] = {"]
    for name, action in model.actions.items():
        response = snake(action["alias"] or name + "Response")
        out.append(f"    {{{quote(name)}, {quote(action['service'])}, {str(action['write']).lower()}, "
                   f"&{snake(name + 'Request')}_table, &{response}_table}},")
    return "\n".join([*out, "};", "", "}  // namespace lodge::ec2", ""])


def describe_action(model, name):
    members = model.structs[name + "Request"]
    return {"service": model.actions[name]["service"], "write": model.actions[name]["write"],
            "parameters": [m.name for m in members if m.stored],
            "ignored": {m.name: m.note for m in members if m.honour == "ignored"},
            "restricted": {m.name: m.note for m in members if m.honour == "only"},
            "unsupported": {m.name: m.note for m in members if m.honour == "unsupported"}}


def ignored(model, struct):
    """What is read and dropped, with the path to it: BlockDeviceMapping.Ebs.VolumeType."""
    for member in model.structs[struct]:
        if member.honour == "ignored":
            yield member.name
        elif member.stored and member.base in model.structs:
            yield from (f"{member.name}.{inner}" for inner in ignored(model, member.base))


def render_markdown(model):
    out = ["| Service | Action | Parameters honoured | Ignored | Refused by name |", "|---|---|---|---|---|"]
    for name in sorted(model.actions, key=lambda n: (model.actions[n]["service"], n)):
        facts = describe_action(model, name)
        refused = sorted([*facts["unsupported"], *facts["restricted"]])
        out.append(f"| {facts['service']} | {name} | {', '.join(facts['parameters']) or '-'} "
                   f"| {', '.join(ignored(model, name + 'Request')) or '-'} | {', '.join(refused) or '-'} |")
    return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, help="folder for the generated files")
    parser.add_argument("--markdown", action="store_true", help="print the table of actions")
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    model = Model()
    try:
        for path in sorted(args.files):
            model.read(path)
        model.check()
        files = sorted(pathlib.Path(path).stem for path in args.files)
        texts = {f"{file}.h": render_file(model, file) for file in files}
        texts |= {f"{file}_tables.cpp": render_tables(model, file) for file in files}
    except (IdlError, OSError, ValueError, RecursionError) as error:
        sys.exit(f"generate.py: {error}")
    if args.markdown:
        print(render_markdown(model), end="")
        return
    args.out.mkdir(parents=True, exist_ok=True)
    facts = {name: describe_action(model, name) for name in model.actions}
    texts |= {"actions.h": render_actions(model, files), "actions.cpp": render_action_table(model),
              "actions.json": json.dumps(facts, indent=1) + "\n"}
    for name, text in texts.items():
        target = args.out / name
        # What stays the same keeps its time, so that what includes it is not compiled again.
        if not target.exists() or target.read_text() != text:
            target.write_text(text)


if __name__ == "__main__":
    main()

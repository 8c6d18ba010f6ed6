#!/usr/bin/python3
"""Lint as a test: what the rest of the tree promises and no compiler checks. Standard library only.

Each check yields sentences that say what is wrong where, and what to do instead.
"""
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CODE = ("proto", "db", "scheduler", "api", "agent")

# DESIGN.md: proto <- db <- scheduler <- api, and proto <- agent.
MAY_INCLUDE = {
    "proto": {"proto"},
    "db": {"proto", "db"},
    "scheduler": {"proto", "db", "scheduler"},
    "api": {"proto", "db", "scheduler", "api"},
    "agent": {"proto", "agent"},
}
# The composition root runs agents over fake hypervisors.
EXCEPTIONS = {"api/daemon": {"agent"}}

# Heavy or foreign headers and the only folder that may include them.
HOME_OF = {
    "boost/": "proto/http",
    "sqlite3.h": "db/driver",
    "libvirt/": "agent/hypervisor",
    "pugixml.hpp": "agent",
    "toml++/": "api/catalogue",
    "curl/": "agent/link api/cli api/images",
    "prometheus/": "api/pipeline",
}

# What is banned, where it is allowed all the same, and what to use instead.
BANNED = [
    (r"\bstd::system\(|\bpopen\(", (), "run programs by posix_spawn with an argument list: nothing goes through a shell"),
    (r"\brand\(\)|std::mt19937|std::random_device", (), "take a lodge::Random&, so that a seed repeats"),
    (r"system_clock::now|steady_clock::now|\btime\(nullptr\)|\btime\(NULL\)",
     ("proto/base/clock.cpp", "proto/http/", "api/cli/", "api/images/", "agent/storage/"),
     "take a lodge::Clock&, so that tests turn time by hand"),
    (r"std::cout|std::cerr|\bprintf\(", ("/main.cpp", "/daemon/", "api/cli/"), "log by spdlog"),
    (r"\bstrcpy\(|\bsprintf\(|\bstrcat\(|\bgets\(", (), "use std::string or fmt"),
    (r"\bassert\(false\)", (), "return an Error: assertions are never reachable from input"),
    (r"\bSELECT\b.*\bFROM\b|\bINSERT INTO\b|\bUPDATE \w+ SET\b", ("db/",), "SQL stays inside db/"),
    (r"\bAUTOINCREMENT\b|\bINSERT OR\b|\bWITHOUT ROWID\b|\bREPLACE INTO\b", (), "write SQL that PostgreSQL shares"),
]

TOP_LEVEL = {"CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md", "api", "scheduler", "agent", "db", "proto",
             "tests", "deploy", "build"}


def sources(*folders, suffixes=(".h", ".cpp")):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes and path.is_file():
                yield path


def relative(path):
    return str(path.relative_to(ROOT))


def without_comments(line):
    return re.sub(r"//.*", "", line)


class Tidy(unittest.TestCase):
    def expect_none(self, problems):
        problems = list(problems)
        self.assertFalse(problems, "\n" + "\n".join(problems))

    def test_dependencies_go_one_way(self):
        def problems():
            for path in sources(*CODE):
                folder = relative(path).split("/")[0]
                second = "/".join(relative(path).split("/")[:2])
                allowed = MAY_INCLUDE[folder] | EXCEPTIONS.get(second, set())
                for number, line in enumerate(path.read_text().splitlines(), 1):
                    found = re.match(r'#include "(\w+)/', line)
                    if found and found[1] in CODE and found[1] not in allowed:
                        yield f"{relative(path)}:{number}: {folder} may not include {found[1]}"
        self.expect_none(problems())

    def test_heavy_headers_stay_at_home(self):
        def problems():
            for path in sources(*CODE):
                for number, line in enumerate(path.read_text().splitlines(), 1):
                    for header, homes in HOME_OF.items():
                        if re.match(rf'#include <{re.escape(header)}', line) and not any(
                                relative(path).startswith(home + "/") for home in homes.split()):
                            yield f"{relative(path)}:{number}: <{header}…> belongs to {homes}"
        self.expect_none(problems())

    def test_banned_calls(self):
        def problems():
            for path in sources(*CODE):
                for number, line in enumerate(path.read_text().splitlines(), 1):
                    for pattern, allowed, instead in BANNED:
                        if any(part in "/" + relative(path) or relative(path).startswith(part) for part in allowed):
                            continue
                        if re.search(pattern, without_comments(line)):
                            yield f"{relative(path)}:{number}: {line.strip()}\n    {instead}"
        self.expect_none(problems())

    def test_headers_have_pragma_once_and_lines_fit(self):
        def problems():
            for path in sources(*CODE, "tests/unit"):
                text = path.read_text()
                if path.suffix == ".h" and "#pragma once" not in text:
                    yield f"{relative(path)}: no #pragma once"
                if "\t" in text:
                    yield f"{relative(path)}: a tab"
                if not text.endswith("\n"):
                    yield f"{relative(path)}: no line end at the end"
        self.expect_none(problems())

    def test_every_second_level_folder_has_a_short_readme(self):
        def problems():
            for folder in (*CODE, "tests"):
                for child in sorted((ROOT / folder).iterdir()):
                    if not child.is_dir() or child.name.startswith((".", "__")):
                        continue
                    readme = child / "README.md"
                    if not readme.exists():
                        yield f"{relative(child)}: no README.md"
                    elif len(readme.read_text().splitlines()) > 60:
                        yield f"{relative(readme)}: more than 60 lines"
        self.expect_none(problems())

    def test_top_level_holds_nothing_else(self):
        self.expect_none(f"{p.name} does not belong to the top level" for p in ROOT.iterdir()
                         if p.name not in TOP_LEVEL and not p.name.startswith("."))

    def test_table_of_actions_is_the_idls(self):
        idl = sorted(str(p) for p in (ROOT / "proto/ec2").glob("*.idl"))
        table = subprocess.run([sys.executable, str(ROOT / "proto/ec2/generate.py"), "--markdown", *idl],
                               check=True, capture_output=True, text=True).stdout
        self.assertIn(table, (ROOT / "README.md").read_text(),
                      "\nREADME.md does not hold the table that the IDL makes; run tests/tidy/update-readme")

    def test_known_actions_are_sorted_and_hold_ours(self):
        known = (ROOT / "proto/ec2/known_actions.txt").read_text().split()
        self.assertEqual(known, sorted(set(known)))
        for path in (ROOT / "proto/ec2").glob("*.idl"):
            if path.name == "sts.idl":
                continue
            for name in re.findall(r"^action (\w+)", path.read_text(), re.MULTILINE):
                self.assertIn(name, known)

    def test_package_lists_have_one_package_a_line(self):
        def problems():
            for path in sorted((ROOT / "deploy").rglob("*.txt")):
                for number, line in enumerate(path.read_text().splitlines(), 1):
                    word = line.split("#")[0].strip()
                    if word and not re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", word):
                        yield f"{relative(path)}:{number}: {word!r} is not a package"
        self.expect_none(problems())

    def test_formatted(self):
        files = [str(p) for p in sources(*CODE, "tests")]
        done = subprocess.run(["clang-format-14", "--dry-run", "-Werror", *files], capture_output=True, text=True, check=False)
        bad = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", done.stderr, re.MULTILINE)))
        self.expect_none(f"{name}: run clang-format-14 -i" for name in bad)

    def test_shell_scripts(self):
        scripts = [p for p in (ROOT / "deploy").rglob("*") if p.is_file() and (
            p.suffix in (".sh", ".bash") or p.read_bytes()[:2] == b"#!" and b"bash" in p.read_bytes()[:40])]
        scripts += [ROOT / "tests/run", ROOT / ".ci/run"]
        done = subprocess.run(["shellcheck", "-x", "-S", "warning", "-e", "SC2034,SC2164,SC2011", *map(str, scripts)], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, "\n" + done.stdout)


if __name__ == "__main__":
    unittest.main()

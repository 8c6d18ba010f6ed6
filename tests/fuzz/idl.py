#!/usr/bin/python3
"""Fuzzes the IDL's generator (proto/ec2/generate.py) with files that mutate those of the repository, from a seed.

    tests/fuzz/idl.py [--seed N] [--seconds S] [--compiler clang++-14] [FILE.idl…]

Whatever it reads, the generator refuses it in one line that names the file, or writes the same C++ twice; every now and then
what it wrote is given to a compiler. With FILEs, only these are tried: what a failure left behind, for one.
"""
import argparse
import contextlib
import importlib.util
import io
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
GENERATOR = ROOT / "proto/ec2/generate.py"
CORPUS = sorted((ROOT / "tests/fuzz/corpus/idl").glob("*.idl"))
WORDS = """struct action service read write request response { } < > list string int bool double timestamp blob required blank
query xml range length oneof ignored unsupported only "" "text" "with \\" quote" "\\u00e9" "\\n" "??/" "%s" 0 -1 9223372036854775808
99999999999999999999 Id Name If Int Operator DryRun Default lower _x X_ # // é \x00""".split(" ")
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\w+|\S')
COMPILE_EVERY_SECONDS = 0.5  # a compiler takes as long as a hundred runs
HEADERS = "#include <cstdint>\n" + "".join(f'#include "{each}"\n' for each in (
    "proto/base/clock.h", "proto/base/result.h", "proto/ec2/table.h"))


def load_generator():
    sys.dont_write_bytecode = True
    spec = importlib.util.spec_from_file_location("generate", GENERATOR)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Mutator:
    def __init__(self, dice, texts):
        self.dice, self.texts = dice, texts
        self.words = [word for word in WORDS if word] + TOKEN.findall(" ".join(texts))

    def make(self):
        text = self.dice.choice(self.texts)
        for _ in range(self.dice.choice((1, 1, 2, 3, 8))):
            text = self.dice.choice((*[self.kin] * 6, *[self.word] * 2, self.move, self.drop, self.splice, self.byte))(text)
        return text

    def kin(self, text):
        """A word for another of its kind: what is still a file of the grammar, more often than not."""
        one, _ = self.tokens_at(text)
        kind = self.kind_of(one.group())
        return f"{text[:one.start()]}{self.dice.choice([w for w in self.words if self.kind_of(w) == kind] or [''])}{text[one.end():]}"

    @staticmethod
    def kind_of(word):
        return "A" if word[:1].isupper() else "a" if word[:1].isalpha() else "0" if word[-1:].isdigit() else word[:1]

    def tokens_at(self, text):
        tokens = list(TOKEN.finditer(text)) or [re.match("", text)]
        return self.dice.choice(tokens), self.dice.choice(tokens)

    def word(self, text):
        """One word for another, or one more."""
        one, _ = self.tokens_at(text)
        end = self.dice.choice((one.start(), one.end()))
        return f"{text[:one.start()]} {self.dice.choice(self.words)} {text[end:]}"

    def move(self, text):
        """A piece from one place to another, or twice."""
        one, other = self.tokens_at(text)
        piece = text[one.start():one.start() + self.dice.randint(1, 200)]
        return f"{text[:other.start()]} {piece} {text[other.start():]}"

    def drop(self, text):
        one, _ = self.tokens_at(text)
        return text[:one.start()] + text[one.start() + self.dice.randint(1, 60):]

    def splice(self, text):
        other = self.dice.choice(self.texts)
        return text[:self.dice.randint(0, len(text))] + other[self.dice.randint(0, len(other)):]

    def byte(self, text):
        at = self.dice.randint(0, len(text))
        return text[:at] + chr(self.dice.choice((0, 9, 10, 34, 92, 127, 0xe9, 0x2028, self.dice.randint(32, 126)))) + text[at:]


class Compiler:
    """clang, which reads the headers that stay the same once."""

    def __init__(self, program, folder):
        self.include = folder / "include"
        self.ec2 = self.include / "proto/ec2"
        self.ec2.mkdir(parents=True)
        self.command = [program, "-std=c++20", "-w", "-I", str(self.include), "-I", str(ROOT)]
        headers = folder / "headers.pch"
        subprocess.run([*self.command, "-x", "c++-header", "-", "-o", headers], input=HEADERS, text=True, check=True)
        self.command += ["-fsyntax-only", "-include-pch", headers, "-x", "c++", "-"]

    def check(self, made):
        for name, text in made.items():
            (self.ec2 / name).write_text(text)
        both = "".join(f'#include "proto/ec2/{name}"\n' for name in ("fuzzed_tables.cpp", "actions.cpp"))
        done = subprocess.run(self.command, input=both, capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(f"the C++ does not compile:\n{done.stderr[:2000]}")


class Trial:
    """One file, given to the generator's main() as the build does it."""

    def __init__(self, generator, folder):
        self.generator, self.folder = generator, folder

    def run(self, text, out):
        path = self.folder / "fuzzed.idl"
        path.write_text(text)
        sys.argv = ["generate.py", "--out", str(out), str(path)]
        try:
            with contextlib.redirect_stderr(io.StringIO()):
                self.generator.main()
            return None
        except SystemExit as end:
            return str(end.code)

    def check(self, text):
        """What was written, by name; None for a file that was refused as it should be. Anything else is raised."""
        first, second = self.folder / "first", self.folder / "second"
        refusal = self.run(text, first)
        if refusal is not None:
            if not refusal.startswith("generate.py: ") or "\n" in refusal or len(refusal) > 1000:
                raise AssertionError(f"no sentence: {refusal!r}")
            return None
        self.run(text, second)
        made = {path.name: path.read_text() for path in first.iterdir()}
        if made != {path.name: path.read_text() for path in second.iterdir()}:
            raise AssertionError("the same file makes other C++ at another time")
        return made


def attempt(trial, text, compiler):
    """Whether the text was accepted; exits with it kept in a file when a promise is broken."""
    try:
        made = trial.check(text)
        if made and compiler:
            compiler.check(made)
        return made is not None
    except Exception:  # whatever it is, it should have been a sentence
        kept = pathlib.Path("crash-idl.idl")
        kept.write_text(text)
        traceback.print_exc()
        sys.exit(f"idl: a promise is broken; the input is in {kept.resolve()}")


def fuzz(trial, mutator, seconds, compiler):
    begun = compiled = time.monotonic()
    runs = accepted = compiles = 0
    while (now := time.monotonic()) < begun + seconds:
        due = now > compiled + COMPILE_EVERY_SECONDS
        good = attempt(trial, mutator.make(), compiler if due else None)
        if good and due:
            compiled, compiles = time.monotonic(), compiles + 1
        runs, accepted = runs + 1, accepted + good
    print(f"idl: {runs} runs in {seconds:.0f} s, {accepted} accepted, {compiles} compiled")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--compiler", default="clang++-14", help="empty: nothing is compiled")
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lodge-idl-") as folder:
        trial = Trial(load_generator(), pathlib.Path(folder))
        compiler = Compiler(args.compiler, pathlib.Path(folder)) if args.compiler else None
        for path in args.files or CORPUS:
            attempt(trial, path.read_text(), compiler)
        if not args.files:
            print(f"idl: seed {args.seed}")
            mutator = Mutator(random.Random(args.seed), [path.read_text() for path in CORPUS])
            fuzz(trial, mutator, args.seconds, compiler)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""The IDL generator against goldens (LODGE_UPDATE_GOLDENS=1 rewrites them), and against input that it must refuse."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
GENERATOR = HERE.parents[1] / "proto/ec2/generate.py"
EXAMPLES = sorted((HERE / "idl").glob("*.idl"))
UPDATE = os.environ.get("LODGE_UPDATE_GOLDENS") == "1"


def generate(out, *files):
    return subprocess.run([sys.executable, str(GENERATOR), "--out", str(out), *map(str, files)],
                          capture_output=True, text=True, check=False)


class Goldens(unittest.TestCase):
    def test_example(self):
        with tempfile.TemporaryDirectory() as out:
            done = generate(out, *EXAMPLES)
            self.assertEqual(done.returncode, 0, done.stderr)
            for made in sorted(pathlib.Path(out).iterdir()):
                golden = HERE / "idl" / (made.name + ".golden")
                if UPDATE:
                    golden.write_text(made.read_text())
                self.assertEqual(made.read_text(), golden.read_text(), made.name)

    def test_markdown(self):
        done = subprocess.run([sys.executable, str(GENERATOR), "--markdown", *map(str, EXAMPLES)],
                              capture_output=True, text=True, check=True)
        self.assertIn("| ec2 | RunThings | Count, DryRun, Name, Mode, Thing, Data, At, Share | Quiet | Colour, Hidden |", done.stdout)

    def test_refuses(self):
        cases = {
            "action X sometimes { request {} response {} }": "'read' or 'write'",
            "action X read { request { A nothing } response {} }": "no type nothing",
            "action X read { request {} response Nowhere }": "no struct Nowhere",
            "struct A { B string B int }": "there twice",
            "struct A { B string } struct A { C string }": "defined twice",
            "struct A { B A required }": "contains itself",
            "struct A { B string": "ends too early",
            "struct A { B string range one 2 }": "expected a number",
            "struct A { B string xml name }": "expected a quoted text",
            "nonsense": "expected service, struct or action",
            "struct A { ; }": "cannot read",
            # What the fuzzer found to make C++ that does not compile, or a parameter that cannot be sent.
            "struct a { B string }": "begins with a capital",
            "struct A { B_c string }": "begins with a capital",
            "struct Field { B string }": "defined twice",
            "struct AB { C string } struct Ab { C string }": "defined twice",
            "struct AResponse { B string } action A read { request {} response AResponse }": "defined twice",
            "struct A { FooBar string FOOBar string }": "there twice",
            'struct A { B string C string query "B" }': "there twice",
            'struct A { B string C string xml "b" }': "there twice",
            'struct A { B string query "C.D" }': "a name on the wire",
            'struct A { B string xml "<b>" }': "a name on the wire",
            'struct A { B string unsupported "\\ud83d\\ude00" }': "printable ASCII",
            'struct A { B string unsupported "\\q" }': "printable ASCII",
            'struct A { B string required unsupported "no" }': "cannot be required",
            "struct A { B int range 1 9223372036854775808 }": "of 64 bits",
            "struct A { B int range 2 1 }": "wrong way round",
            "struct A { B bool range 1 2 }": "range is for int",
            'struct A { B int oneof "1" }': "oneof is for string",
            "struct A { B list<bool> }": "list of bool",
            "struct A { B string oneof }": "oneof is for string",
            "struct A" + "".join(f" {{ B A{n} }} struct A{n}" for n in range(1500)) + " { B int }": "recursion",
        }
        for text, why in cases.items():
            with self.subTest(text), tempfile.TemporaryDirectory() as out:
                path = pathlib.Path(out) / "bad.idl"
                path.write_text(text)
                done = generate(out, path)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(why, done.stderr)
                self.assertNotIn("Traceback", done.stderr)

    def test_names_that_are_words_of_cpp(self):
        with tempfile.TemporaryDirectory() as out:
            path = pathlib.Path(out) / "words.idl"
            path.write_text("action Delete write { request { For string Int list<int> And int } response {} }")
            self.assertEqual(generate(out, path).returncode, 0)
            made = (pathlib.Path(out) / "words.h").read_text()
        for text in ("std::optional<std::string> for_;", "std::vector<std::int64_t> int_;", "> and_;", " delete_("):
            self.assertIn(text, made)

    def test_files_that_need_each_other(self):
        with tempfile.TemporaryDirectory() as out:
            one, two = pathlib.Path(out) / "one.idl", pathlib.Path(out) / "two.idl"
            one.write_text("struct A { B D } struct C { X string }")
            two.write_text("struct D { E C }")
            self.assertIn("one -> two -> one", generate(out, one, two).stderr)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/python3
"""Writes a libFuzzer dictionary of the words in the IDL: dictionary.py OUT FILE.idl…"""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "proto/ec2"))
sys.dont_write_bytecode = True
import generate  # noqa: E402


def words(model):
    for name in model.actions:
        yield f"Action={name}&"
    for members in model.structs.values():
        for member in members:
            yield f"{member.query}.1" if member.is_list else member.query
            yield from member.values


def main():
    out, *files = sys.argv[1:]
    model = generate.Model()
    for path in files:
        model.read(path)
    lines = ['"%s"\n' % word.replace("\\", "\\\\").replace('"', '\\"') for word in sorted(set(words(model)))]
    pathlib.Path(out).write_text("".join(lines))


if __name__ == "__main__":
    main()

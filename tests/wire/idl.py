"""The IDL as its own generator reads it: actions with their parameters, structs with their members."""
import functools
import importlib.util
import sys

from harness import ROOT


@functools.lru_cache(None)
def generator():
    sys.dont_write_bytecode = True
    spec = importlib.util.spec_from_file_location("lodge_idl_generator", ROOT / "proto/ec2/generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@functools.lru_cache(None)
def model():
    """Has structs {name: [Member]}, actions {name: facts}, protocol_of {struct: "ec2" or "query"}."""
    read = generator().Model()
    for path in sorted((ROOT / "proto/ec2").glob("*.idl")):
        read.read(str(path))
    read.check()
    return read


@functools.lru_cache(None)
def actions():
    """What actions.json says: {action: {service, write, parameters, ignored, restricted, unsupported}}."""
    return {name: generator().describe_action(model(), name) for name in model().actions}


def needed(action):
    """Values for what the action requires: well-formed as far as the IDL goes, of things that are not there."""
    return dict(_needed(action + "Request"))


def _needed(struct, path=""):
    for member in model().structs[struct]:
        name = path + member.query + (".1" if member.is_list else "")
        if not member.required:
            continue
        if member.base in model().structs:
            yield from _needed(member.base, name + ".")
        else:
            yield name, {"int": str(member.low or 1), "bool": "false", "blob": "eA=="}.get(member.base, (member.values or ["x"])[0])


def response_struct(action):
    return model().actions[action]["alias"] or action + "Response"

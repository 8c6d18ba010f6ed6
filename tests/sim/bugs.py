#!/usr/bin/python3
"""The bugs that the simulation has to find: copies of Lodge's files with a switch for each, for one test program.

    bugs.py OUT_FOLDER    writes the copies (CMake does)
    bugs.py --files       which files it copies
    bugs.py --list        number and name of each

Lodge itself is built without them.
"""

import os
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")

# Name, file, what it says, what it says with the bug.
BUGS = [
    ("a claim is not given back", "scheduler/reconcile/guest_change.cpp",
     "if (held && !holds_claim(guest.observed))", "if (!BUG && held && !holds_claim(guest.observed))"),
    ("a launch's ClientToken is not kept", "api/actions/run_instances.cpp",
     "remember(session, context, request.client_token, reservation_id.str());",
     "if (!BUG) remember(session, context, request.client_token, reservation_id.str());"),
    ("a guest that ended is started again", "agent/reconcile/decide.cpp",
     "    return view.ran ||", "    if (BUG) return false;\n    return view.ran ||"),
    ("a report that failed counts as sent", "agent/reconcile/agent.cpp",
     "    LODGE_CHECK(link_.report(report).map([](auto&&) {}));\n    std::lock_guard",
     "    auto sent = link_.report(report);\n    if (!BUG && !sent) return tl::unexpected<Error>(sent.error());\n    std::lock_guard"),
    ("a root disk stays", "agent/reconcile/steps.cpp",
     "if (!desired.root_volume_id.empty())", "if (!BUG && !desired.root_volume_id.empty())"),
    ("a host is not told of a change", "api/actions/instances.cpp",
     "{ hub.changed(host); }", "{ if (!BUG) hub.changed(host); }"),
    ("a start takes no claim", "api/actions/instances.cpp",
     "if (!context.services.claims.claim(session, guest))", "if (!BUG && !context.services.claims.claim(session, guest))"),
    ("a late report takes a guest back in its life", "scheduler/lifecycle/lifecycle.cpp",
     "bool forward = height(seen.observed) > height(guest.observed);",
     "bool forward = BUG ? seen.observed != guest.observed : height(seen.observed) > height(guest.observed);"),
    ("an account sees another's instances", "api/actions/instances.cpp",
     "db::instances::list(session, context.account_id, context.region,",
     "db::instances::list(session, BUG ? AccountId(\"123456789012\") : context.account_id, context.region,"),
    ("an ended instance is not marked so in the rows", "scheduler/reconcile/guest_change.cpp",
     "    db::instances::update(session, instance);", "    if (!BUG) db::instances::update(session, instance);"),
    ("the claims are not read at the start", "scheduler/apply/claims.cpp",
     "            taken[guest.host_id].add(guest.vcpus, guest.memory_mib);",
     "            if (!BUG) taken[guest.host_id].add(guest.vcpus, guest.memory_mib);"),
    ("a fenced host's epoch stays", "db/store/hosts.cpp",
     "\"UPDATE hosts SET epoch = MAX(epoch + 1, ?) WHERE id = ?\"",
     "BUG ? \"UPDATE hosts SET epoch = MIN(epoch, ?) WHERE id = ?\" : \"UPDATE hosts SET epoch = MAX(epoch + 1, ?) WHERE id = ?\""),
    ("a fenced host's guests go on", "agent/reconcile/agent.cpp",
     "if (reply.epoch > request.epoch && reply.epoch > 1) LODGE_CHECK(leave_epoch(reply.epoch));",
     "if (!BUG && reply.epoch > request.epoch && reply.epoch > 1) LODGE_CHECK(leave_epoch(reply.epoch));"),
    ("a claim survives its transaction", "scheduler/apply/claims.cpp",
     "{ index_.release(id, amount.vcpus, amount.memory_mib); });\n    return true;",
     "{ if (!BUG) index_.release(id, amount.vcpus, amount.memory_mib); });\n    return true;"),
    ("a volume is shown whose disk is gone", "scheduler/volumes/attachments.cpp",
     "if (guest.observed != Observed::removed) return false;", "if (BUG || guest.observed != Observed::removed) return false;"),
    ("an attachment does not move on", "scheduler/volumes/attachments.cpp",
     "    if (volume.attachment_state == AttachmentState::attaching) {", "    if (BUG) return false;\n    if (volume.attachment_state == AttachmentState::attaching) {"),
    ("a deleted volume's disk stays", "agent/reconcile/leftovers.cpp",
     "const Status status = storage_.remove_disk(id);", "const Status status = BUG ? Status() : storage_.remove_disk(id);"),
    ("a disk that was to go stays plugged in", "agent/reconcile/decide.cpp",
     "if (!has_disk(wanted, id)) choose(", "if (!BUG && !has_disk(wanted, id)) choose("),
    ("a layer goes that others lie on", "scheduler/volumes/snapshots.cpp",
     "            db::snapshots::is_beneath_others(session, next))", "            (!BUG && db::snapshots::is_beneath_others(session, next)))"),
    ("a guest is not asked to cut its disks", "agent/reconcile/decide.cpp",
     "if (!out.cuts.empty()) out.step", "if (!BUG && !out.cuts.empty()) out.step"),
    ("another file of the volume's is taken for the flat one", "scheduler/volumes/snapshots.cpp",
     "found.back().cut == number) return", "(BUG || found.back().cut == number)) return"),
]


def files():
    return sorted({file for _, file, _, _ in BUGS})


def planted(file):
    with open(os.path.join(ROOT, file), encoding="utf-8") as source:
        text = source.read()
    for number, (name, where, old, new) in enumerate(BUGS, 1):
        if where != file:
            continue
        if text.count(old) != 1:
            sys.exit(f"bugs.py: '{name}' fits {text.count(old)} places of {file}: change its text here")
        text = text.replace(old, new.replace("BUG", f"lodge::sim::planted({number})"))
    return f'#include "tests/sim/planted.h"\n#line 1 "{file}"\n{text}'


def main():
    if sys.argv[1] == "--list":
        for number, (name, *_) in enumerate(BUGS, 1):
            print(number, name)
        return
    if sys.argv[1] == "--files":
        print("\n".join(files()))
        return
    os.makedirs(sys.argv[1], exist_ok=True)
    for file in files():
        with open(os.path.join(sys.argv[1], file.replace("/", "_")), "w", encoding="utf-8") as copy:
            copy.write(planted(file))


if __name__ == "__main__":
    main()

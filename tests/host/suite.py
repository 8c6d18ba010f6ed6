#!/usr/bin/python3
"""What `run` starts beside the private libvirtd: all tests, two classes at a time, each with a cloud of its own."""

import argparse
import concurrent.futures
import glob
import io
import os
import sys
import threading
import time
import traceback
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

AT_ONCE = min(2, os.cpu_count() or 1)  # an emulated guest that boots takes a whole processor
# Longest first; any order would do.
TOGETHER = ["test_doctor", "test_restarts", "test_images", "test_shutdown", "test_life", "test_operator", "test_volumes",
            "test_snapshots", "test_encryption", "test_instance_store", "test_storage_pool", "test_import_tasks", "test_uefi"]
# These end libvirtd, or look for what all the others have left.
ALONE = ["test_libvirtd", "test_chaos", "test_leftovers"]
# One switch and one OVN at a time, in the network namespace that `run` has put all this into.
ENCLOSED = [os.path.basename(path)[:-3] for path in sorted(glob.glob(f"{HERE}/test_network*.py"))] + ["test_leftovers"]
FORGOTTEN = {os.path.basename(path)[:-3] for path in glob.glob(f"{HERE}/test_*.py")} - {*TOGETHER, *ALONE, *ENCLOSED}
if FORGOTTEN:
    raise SystemExit(f"no list of suite.py names {sorted(FORGOTTEN)}")


class Lines(io.StringIO):
    """What unittest wants of a stream."""

    def writeln(self, text=""):
        self.write(f"{text}\n")


class Result(unittest.TextTestResult):
    """Of one class: says how long each test took, and shows the programs' logs when one fails."""

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()

    def stopTest(self, test):
        super().stopTest(test)
        self.stream.writeln(f"    {time.monotonic() - self.started:.1f} s")

    def addError(self, test, err):
        super().addError(test, err)
        self.show(test, err)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.show(test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.show(subtest, err)

    def show(self, test, err):
        """At once: the logs go with their cloud."""
        cloud = getattr(getattr(test, "test_case", test), "cloud", None)
        self.stream.writeln(f"\n=== {test.id()}\n{''.join(traceback.format_exception(*err))}")
        self.stream.writeln(cloud.logs(60) if cloud else "")


def classes(suite):
    """The suites that hold the tests of one class each."""
    for each in suite:
        if all(isinstance(test, unittest.TestCase) for test in each):
            if each.countTestCases():
                yield each
        else:
            yield from classes(each)


def run_class(tests, total, lock):
    """Adds the outcome to `total` and prints it."""
    lines = Lines()
    result = Result(lines, True, 2)
    try:
        tests.run(result)
    except BaseException:
        lines.writeln(traceback.format_exc())
        result.errors.append((next(iter(tests)), "the class was not run to its end"))
    with lock:
        total.stream.write(lines.getvalue())
        total.stream.flush()
        total.testsRun += result.testsRun
        for name in ("failures", "errors", "skipped", "expectedFailures", "unexpectedSuccesses"):
            getattr(total, name).extend(getattr(result, name))


def run_all(loader, total, enclosed):
    lock = threading.Lock()
    load = lambda names: classes(loader.loadTestsFromNames(names))  # noqa: E731
    for each in load(ENCLOSED if enclosed else []):
        run_class(each, total, lock)
    if enclosed:
        return
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(run_class, each, total, lock) for each in load(TOGETHER)]:
            done.result()
    for each in load(ALONE):
        run_class(each, total, lock)


def main():
    parser = argparse.ArgumentParser(prog="tests/host/run", description="Boots real guests on a private libvirtd.")
    parser.add_argument("-k", dest="patterns", action="append", metavar="PATTERN", help="only tests whose names match")
    parser.add_argument("--enclosed", action="store_true", help=argparse.SUPPRESS)  # see `run`
    arguments = parser.parse_args()
    loader = unittest.TestLoader()
    if arguments.patterns:
        # Whatever is selected, the look for leftovers is.
        wanted = [each if "*" in each else f"*{each}*" for each in arguments.patterns]
        loader.testNamePatterns = [*wanted, "*LeftoversTest*"]
    result = unittest.TextTestRunner(verbosity=2).run(lambda total: run_all(loader, total, arguments.enclosed))
    sys.exit(0 if result.wasSuccessful() else 1)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""What `run` starts beside the private libvirtd: the tests in an order of their own, and their log on failure."""

import argparse
import os
import sys
import time
import traceback
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from programs import die_with_parent  # noqa: E402

# Quick and basic first: what fails there explains what fails later.
MODULES = ["test_life", "test_shutdown", "test_operator", "test_images", "test_restarts", "test_leftovers"]


class Result(unittest.TextTestResult):
    """Says how long each test took, and shows the programs' logs when one fails."""

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
        """At once: the logs go with their cloud, and whoever ends a run early wants to know as well."""
        cloud = getattr(getattr(test, "test_case", test), "cloud", None)
        self.stream.writeln(f"\n=== {test.id()}\n{''.join(traceback.format_exception(*err))}")
        self.stream.writeln(cloud.logs(60) if cloud else "")
        self.stream.flush()


def main():
    parser = argparse.ArgumentParser(prog="tests/host/run", description="Boots real guests on a private libvirtd.")
    parser.add_argument("-k", dest="patterns", action="append", metavar="PATTERN", help="only tests whose names match")
    parser.add_argument("-f", "--failfast", action="store_true", help="end at the first failure")
    arguments = parser.parse_args()
    die_with_parent()
    loader = unittest.TestLoader()
    if arguments.patterns:
        # Whatever is selected, the look for leftovers is.
        wanted = [each if "*" in each else f"*{each}*" for each in arguments.patterns]
        loader.testNamePatterns = [*wanted, "*LeftoversTest*"]
    suite = unittest.TestSuite(loader.loadTestsFromName(name) for name in MODULES)
    result = unittest.TextTestRunner(verbosity=2, resultclass=Result, failfast=arguments.failfast).run(suite)
    sys.exit(0 if result.wasSuccessful() else 1)


if __name__ == "__main__":
    main()

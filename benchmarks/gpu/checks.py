"""Step: the tests marked for a GPU (tests/gpu), each by its name: passed, failed or skipped."""

import pytest

from benchmarks.gpu.record import Record, write_whole

TESTS = "tests/gpu"


class Outcomes:
    """Records what became of each test, and why, as pytest tells it."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.found: dict[str, dict] = {}

    def pytest_runtest_logreport(self, report) -> None:
        name = report.nodeid.rpartition("/")[2]
        if report.when == "call" or report.outcome != "passed":
            outcome = {"outcome": report.outcome, "seconds": report.duration}
            if report.outcome == "failed":
                lines = report.longreprtext.strip().splitlines()
                outcome["error"] = next((x for x in lines if x.startswith("E ")), lines[-1])
            self.found[name] = outcome
            # At once: tests that hang are killed with this process.
            write_whole(self.record.path, {"tests": self.found})


def measure(record: Record) -> None:
    outcomes = Outcomes(record)
    # Nothing is written into the repository.
    options = [TESTS, "--card", record.device.type, "-p", "no:cacheprovider", "-v", "--tb=short"]
    options += ["--basetemp", str(record.folder / "tests")]
    status = pytest.main(options, plugins=[outcomes])

    def counts() -> dict:
        every = [test["outcome"] for test in outcomes.found.values()]
        return {"status": int(status), **{kind: every.count(kind) for kind in sorted(set(every))}}

    record.add("tests", lambda: outcomes.found)
    record.add("all", counts)
    if status:
        record.failed.append("tests")

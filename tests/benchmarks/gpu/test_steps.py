"""Each step of benchmarks/on_gpu.sh on the CPU, in its smallest form, by the code a GPU runs."""

import importlib
import json
import math
import shutil

import pytest
import torch

from benchmarks.gpu import checks, finetuning
from benchmarks.gpu.bars import bars
from benchmarks.gpu.record import Record
from benchmarks.gpu.run import STEPS
from information_retrieval.models.known_answers import PUBLISHED_IDS

CHECKS = """
import pytest
def test_good(): pass
def test_bad(): assert 1 == 2
def test_absent(): pytest.skip("needs something")
"""
OPTION = "def pytest_addoption(parser): parser.addoption('--card')"


@pytest.fixture
def record(tmp_path) -> Record:
    folder = tmp_path / "scratch"
    folder.mkdir()
    torch.manual_seed(0)
    return Record(tmp_path / "results.json", torch.device("cpu"), folder, dry_run=True)


def run(name: str, record: Record) -> dict[str, dict]:
    """The results of a step, as it wrote them."""
    torch._dynamo.reset()
    importlib.import_module(f"benchmarks.gpu.{name}").measure(record)
    return json.loads(record.path.read_text())


@pytest.mark.long
@pytest.mark.parametrize("name", [step.name for step in STEPS if step.name != "checks"])
def test_a_step_measures_all_that_it_should(name, record, monkeypatch):
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    if name in ("lxmert", "detector", "xvlm") and shutil.which("g++") is None:
        pytest.skip("torch.compile needs a C++ compiler: there is no g++")
    results = run(name, record)
    assert record.failed == []
    numbers = [v for values in results.values() for v in values.values() if isinstance(v, float)]
    assert numbers
    assert all(math.isfinite(number) and number >= 0 for number in numbers)
    measured = {name: {"results": results}}
    if name == "lxmert":
        exact = ["ours, float32", "plain, float32", "ours, float32, compiled"]
        assert all(results[way]["largest_difference"] < 1e-6 for way in exact)
        assert results["ours, float32"]["ranks_moved"] == {"i2t": "0 of 4", "t2i": "0 of 24"}
        assert results["ours, bfloat16"]["largest_difference"] > 1e-6
        assert bars(measured)[0].met is not None
    if name == "xvlm":
        exact = [f"{way}, {kind}" for way in ("ours", "plain") for kind in ("float32", "tf32")]
        exact += ["ours, float32, compiled"]
        assert all(results[way]["largest_difference"] < 1e-5 for way in exact)
        assert results["ours, bfloat16"]["largest_difference"] > 1e-5
        assert all(results[way]["ranks_moved"]["i2t"] == "0 of 4" for way in exact)
        assert bars(measured)[1].met is not None
    if name == "sx3hre":
        asked, cached = (results[f"{way}, bfloat16"] for way in ("teacher asked", "targets cached"))
        rates = cached["pairs_per_second"] / asked["pairs_per_second"]
        assert cached["of_asked"] == pytest.approx(rates)
        assert 0 <= results["targets cached, bfloat16, loaded"]["waiting"] <= 1
    if name == "captioning":
        decoded = [values for values in results.values() if "of_one_by_one" in values]
        assert len(decoded) == 8  # captioners x batches x methods
        assert all(values["captions_same"] == 1 for values in decoded)
        assert len(results) == 16
    if name == "detector":
        assert results["ours, float32, batches of 2"]["regions_same"] == 1
        assert all(bar.met is not None for bar in bars(measured)[2:])
    assert torch.backends.cuda.matmul.allow_tf32 is False


def test_the_models_that_are_fine_tuned_have_vocabularies_of_their_own():
    for config in (finetuning.FULL.lxmert, finetuning.FULL.clip):
        vocabulary = config.model_type, config.get_text_config().vocab_size
        assert vocabulary not in PUBLISHED_IDS


def test_a_measurement_that_raises_is_named_and_the_next_one_made(record):
    record.add("first", lambda: {"x": 1.5})
    record.add("second", lambda: [].pop())
    record.add("third", lambda: {"x": 2.5})
    assert record.failed == ["second"]
    error = {"error": "IndexError: pop from empty list"}
    expected = {"first": {"x": 1.5}, "second": error, "third": {"x": 2.5}}
    assert json.loads(record.path.read_text()) == expected


def test_the_checks_are_counted_and_a_failed_one_says_why(record, tmp_path, monkeypatch):
    (tmp_path / "test_some.py").write_text(CHECKS)
    (tmp_path / "conftest.py").write_text(OPTION)
    monkeypatch.setattr(checks, "TESTS", str(tmp_path / "test_some.py"))
    results = run("checks", record)
    assert record.failed == ["tests"]
    assert results["all"] == {"status": 1, "failed": 1, "passed": 1, "skipped": 1}
    assert "assert 1 == 2" in results["tests"]["test_some.py::test_bad"]["error"]

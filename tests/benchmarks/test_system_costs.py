"""The costs of all systems: the arithmetic of a gallery, and that docs/systems.md says the same."""

from pathlib import Path

import pytest

from benchmarks import system_costs
from benchmarks.counted_systems import System, systems
from benchmarks.system_costs import costs_table, duration, jobs, jobs_table, markdown, short
from information_retrieval.ranking.published import PUBLISHED, RECALLS
from tests.conftest import assert_one_clear_line

PAGE = Path(__file__).resolve().parents[2] / "docs" / "systems.md"
PAPER = "paper-lxmert-5k", "paper-clip-5k"
OF_BOTH = tuple(
    f"{name}-{gallery}"
    for name in ("clip-vit-b32", "sx3hre-itc", "sx3hre-cosine", "sx3hre-none")
    for gallery in ("5k", "flickr30k")
)
XVLM = tuple(f"xvlm-{n}m-{gallery}" for n in (4, 16) for gallery in ("coco-5k", "flickr30k"))
FOUND = [
    System("LXMERT", 9, 10, 3, 7, 100, 8, reads_regions=True),
    System("its detector, Faster R-CNN", 5, 1000),
    System("CLIP ViT-B/32", 6, 20, 4, 2, 26, 2),
    System("X-VLM, contrastive half", 4, 30, 5, 1, 36, 1),
    System("X-VLM, matching half", 7, 33, 6, 9, 60, 11),
    System("Sx3HRe, cosine and none", 3, 15, 2, 3, 20, 3),
    System("CLIP + attention", 2_000_000, 40, 50, frozen=500_000),
]


def found_jobs(n_images: int, n_captions: int) -> dict[str, system_costs.Job]:
    of = {system.name: system for system in FOUND}
    return {job.name: job for job in jobs(of, n_images, n_captions)}


def test_a_gallery_costs_its_items_once_and_its_pairs():
    found = found_jobs(600, 3000)
    every, clip = 600 * 3000, found["CLIP"]
    assert (clip.n_pairs, clip.encoding, clip.scoring) == (every, 600 * 20 + 3000 * 4, every * 2)
    lxmert = found["LXMERT"]
    assert (lxmert.encoding, lxmert.scoring) == (600 * 1010 + 3000 * 3, every * 7)
    assert lxmert.together == lxmert.encoding + lxmert.scoring
    plain = found["LXMERT, each pair anew, as the original"]
    assert (plain.encoding, plain.scoring) == (600 * 1000, every * 100)
    assert found["CLIP, each pair anew, as the original"].encoding == 0
    fused = found["fusion of CLIP and LXMERT"]
    assert fused.together == clip.together + lxmert.together


def test_a_cascade_scores_no_more_than_its_lists_hold():
    found = found_jobs(600, 3000)
    cascade = found["cascade: LXMERT orders CLIP's first 100"]
    assert cascade.n_pairs == 100 * 3600
    assert cascade.scoring == 600 * 3000 * 2 + 100 * 3600 * 8
    assert cascade.encoding == found["CLIP"].encoding + found["LXMERT"].encoding
    published = found["X-VLM, shortlist of 256"]
    assert published.encoding == found["X-VLM, matching half"].encoding  # once, for both halves
    assert published.scoring == 600 * 3000 * 1 + 256 * 3600 * 11
    small = found_jobs(20, 100)["cascade: LXMERT orders CLIP's first 100"]
    assert small.n_pairs == 20 * 100


def test_a_generated_caption_an_image_is_asked():
    asked = found_jobs(600, 3000)["CLIP + attention, its captions asked of CLIP"]
    assert asked.n_pairs == 600**2
    assert asked.encoding == 600 * (40 + 50) + 600 * (20 + 4)
    assert asked.scoring == 600**2 * 2


def test_the_cheapest_comes_first():
    together = [job.together for job in found_jobs(600, 3000).values()]
    assert together == sorted(together)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, ""),
        (512, "512"),
        (999_600, "1 M"),
        (4.4088e9, "4.41 G"),
        (2e17, "200 P"),
        (5e22, "5e+04 E"),
    ],
)
def test_a_number_is_written_by_three_digits(number, expected):
    assert short(number) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.02, "0.02 s"),
        (59, "59 s"),
        (354, "5.9 min"),
        (3600, "1 h"),
        (86_400 * 28.1, "28 days"),
        (86_400 * 2000, "2,000 days"),
    ],
)
def test_a_time_is_written_in_its_unit(seconds, expected):
    assert duration(seconds) == expected


def test_a_table_is_markdown_with_empty_cells():
    assert markdown([("", "a", "b"), ("x", "", "1")]) == [
        "| | a | b |",
        "|---|--:|--:|",
        "| x | | 1 |",
    ]


def test_both_tables_are_printed(monkeypatch, run_main, capsys):
    monkeypatch.setattr(system_costs, "systems", lambda: FOUND)
    assert run_main(system_costs.main, "--n_images", 600, "--n_captions", 3000, "--rate", 2) == 0
    of = {system.name: system for system in FOUND}
    costs, gallery = costs_table(FOUND), jobs_table(jobs(of, 600, 3000), 2e9)
    assert capsys.readouterr().out == "\n".join([*costs, "", *gallery]) + "\n"
    assert costs[-1] == "| CLIP + attention | 2.0 M + 0.5 M | 40 | 50 | | |"
    assert gallery[2].startswith("| CLIP + attention, its captions asked of CLIP | 360 K |")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--n_images", 0), "--n_images: expected at least 1, found 0"),
        (("--n_captions", 0), "--n_captions: expected at least 1, found 0"),
        (("--rate", 0), "--rate: expected more than 0, found 0"),
    ],
)
def test_what_makes_no_gallery_is_refused(run_main, options, line):
    assert_one_clear_line(run_main(system_costs.main, *options), line)


def recalls_of(name: str) -> list[str]:
    """Both directions of published recalls, with as many digits as they are published with."""
    values = [PUBLISHED[name].recalls[recall] for recall in RECALLS]
    digits = 1 if all(round(value, 1) == value for value in values) else 2
    written = [f"{value:.{digits}f}" for value in values]
    return [" / ".join(written[:3]), " / ".join(written[3:])]


@pytest.mark.parametrize("name", [*PAPER, *OF_BOTH, *XVLM])
def test_the_page_has_the_published_recalls(name):
    page = PAGE.read_text("utf-8")
    for recalls in recalls_of(name):
        assert recalls in page, recalls


@pytest.fixture(scope="module")
def published() -> dict[str, System]:
    """Every system, counted once for these tests."""
    return {system.name: system for system in systems()}


@pytest.mark.long
def test_the_page_has_the_tables_that_the_script_prints(published, monkeypatch, run_main, capsys):
    monkeypatch.setattr(system_costs, "systems", lambda: [*published.values()])
    assert run_main(system_costs.main) == 0
    page = PAGE.read_text("utf-8")
    for table in capsys.readouterr().out.strip().split("\n\n"):
        assert table in page, table


@pytest.mark.long
def test_the_published_sizes_have_the_published_numbers(published):
    parameters = {name: round(system.parameters / 1e6, 1) for name, system in published.items()}
    assert published["its teacher, BEiT-2"].parameters == 85_665_360
    assert published["CLIP ViT-B/32"].parameters == 151_277_313
    # At the paper's 6,294 words.
    assert parameters["CNN+LSTM"] == 11.7
    assert parameters["CLIP+LSTM"] == 10.7
    assert parameters["CLIP + attention"] == 12.0
    # The thousand millions that are published of these image encoders: ViT-B/32 and ResNet-50 at
    # 224 pixels, Swin-B at 384, ViT-B/16 at 224.
    for name, expected in (
        ("CLIP ViT-B/32", 4.4),
        ("CNN+LSTM", 4.1),
        ("X-VLM, contrastive half", 47.0),
        ("its teacher, BEiT-2", 17.6),
    ):
        assert published[name].image / 1e9 == pytest.approx(expected, rel=0.01), name


@pytest.mark.long
def test_the_halves_of_xvlm_make_the_whole(published):
    half, whole = published["X-VLM, contrastive half"], published["X-VLM, matching half"]
    assert whole.parameters == 213_959_547
    assert whole.parameters - half.parameters == 59_069_952 + 1_187_330  # fusion layers, its head

"""What each system costs by counting: parameters, and multiply-adds of an image, a caption, a pair.

Every architecture is built at its published size, without weights (benchmarks/counted_systems.py),
and the project's own way through it is counted by torch's `FlopCounterMode`, a multiply-add as one:
torch says two. Norms, activations, softmax and the like, which are little, are not counted.
Captions have COCO's mean length in the tokens of each model; nothing is padded, nothing measured.

    python -m benchmarks.system_costs

Prints the two Markdown tables of docs/systems.md: the costs, and what all pairs of a gallery cost
by them, with the time that this takes at `--rate`. 20 seconds and 1 GB of memory on one CPU core.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.counted_systems import System, systems
from preprocess.base.command_line import check_at_least, parse_arguments, run_command
from preprocess.base.errors import InputError

# Of the cascades, for each query: docs/scoring.md's of CLIP and LXMERT, and X-VLM's published one.
LXMERT_SHORTLIST, XVLM_SHORTLIST = 100, 256
COLUMNS = ("", "parameters", "an image", "a caption", "a pair", "a pair anew")
JOB_COLUMNS = ("", "pairs scored", "encoding", "scoring", "together", "to CLIP", "time")
PREFIXES = ("", " K", " M", " G", " T", " P", " E")
UNITS = (("days", 86_400), ("h", 3600), ("min", 60), ("s", 1))


@dataclass
class SystemCostsArguments:
    n_images: int = field(default=5000, metadata={"help": "images of the gallery"})
    n_captions: int = field(default=25_000, metadata={"help": "captions of the gallery"})
    rate: float = field(
        default=100,
        metadata={
            "help": "thousand million multiply-adds a second, for the times; 100 is what LXMERT "
            "reaches on 2 CPU cores in float32 (docs/scoring.md)"
        },
    )


@dataclass(frozen=True)
class Job:
    """All ranks of a gallery, by one system or two.

    Attributes:
        n_pairs: scored.
        encoding, scoring: multiply-adds of the items, and of the pairs.
    """

    name: str
    n_pairs: int
    encoding: int
    scoring: int

    @property
    def together(self) -> int:
        return self.encoding + self.scoring


@dataclass(frozen=True)
class Gallery:
    """Images and captions, all of which are asked for each other.

    Attributes:
        regions: multiply-adds of an image's regions, which LXMERT reads.
    """

    n_images: int
    n_captions: int
    regions: int = 0

    def encoding(self, system: System) -> int:
        """Count all images and captions, each encoded once, its regions found."""
        image = system.image + (self.regions if system.reads_regions else 0)
        return self.n_images * image + self.n_captions * system.caption

    def once(self, name: str, system: System) -> Job:
        """Encode each item once, and score every pair."""
        n_pairs = self.n_images * self.n_captions
        return Job(name, n_pairs, self.encoding(system), n_pairs * system.pair)

    def anew(self, name: str, system: System) -> Job:
        """Score every pair by the model's forward; regions are found once all the same."""
        n_pairs = self.n_images * self.n_captions
        regions = self.n_images * self.regions if system.reads_regions else 0
        return Job(name, n_pairs, regions, n_pairs * system.plain)

    def shortlisted(self, name: str, first: Job, system: System, k: int) -> Job:
        """Let a second model order the first one's best k of each query.

        As many pairs as there can be: what is on two lists is scored once.
        """
        n_pairs = min(first.n_pairs, k * (self.n_images + self.n_captions))
        encoding = first.encoding + self.encoding(system)
        return Job(name, n_pairs, encoding, first.scoring + n_pairs * system.listed)


def jobs(of: Mapping[str, System], n_images: int, n_captions: int) -> list[Job]:
    """Return what a gallery costs by each way of scoring it, the cheapest first.

    Args:
        of: systems by name.
    """
    gallery = Gallery(n_images, n_captions, of["its detector, Faster R-CNN"].image)
    own = Gallery(n_images, n_images)  # a generated caption an image
    clip, lxmert, captioner = of["CLIP ViT-B/32"], of["LXMERT"], of["CLIP + attention"]
    contrastive, matching = of["X-VLM, contrastive half"], of["X-VLM, matching half"]
    by_clip, by_lxmert = gallery.once("CLIP", clip), gallery.once("LXMERT", lxmert)
    by_cosine = gallery.once("X-VLM, contrastive half", contrastive)
    asked = own.once("CLIP + attention, its captions asked of CLIP", clip)
    # Both halves read what the encoders gave once.
    shared = Job("", by_cosine.n_pairs, 0, by_cosine.scoring)
    found = [
        by_clip,
        gallery.anew("CLIP, each pair anew, as the original", clip),
        gallery.once("Sx3HRe, each arm", of["Sx3HRe, cosine and none"]),
        by_cosine,
        gallery.shortlisted(
            f"X-VLM, shortlist of {XVLM_SHORTLIST}", shared, matching, XVLM_SHORTLIST
        ),
        gallery.once("X-VLM, matching half", matching),
        by_lxmert,
        gallery.anew("LXMERT, each pair anew, as the original", lxmert),
        gallery.shortlisted(
            f"cascade: LXMERT orders CLIP's first {LXMERT_SHORTLIST}",
            by_clip,
            lxmert,
            LXMERT_SHORTLIST,
        ),
        Job(
            "fusion of CLIP and LXMERT",
            by_lxmert.n_pairs,
            by_clip.encoding + by_lxmert.encoding,
            by_clip.scoring + by_lxmert.scoring,
        ),
        Job(asked.name, asked.n_pairs, asked.encoding + own.encoding(captioner), asked.scoring),
    ]
    return sorted(found, key=lambda job: job.together)


def short(number: float) -> str:
    """Return a number by three digits and K (1e3), M, G, T, P or E (1e18); "" of 0."""
    if not number:
        return ""
    power = 0
    while number >= 999.5 and power < len(PREFIXES) - 1:
        number, power = number / 1000, power + 1
    return f"{number:.3g}{PREFIXES[power]}"


def duration(seconds: float) -> str:
    """Return a time in the largest unit of which it has one, by two digits or whole."""
    unit, length = next((u for u in UNITS if seconds >= u[1]), UNITS[-1])
    return f"{two_digits(seconds / length)} {unit}"


def two_digits(number: float) -> str:
    return f"{number:.2g}" if number < 9.95 else f"{number:,.0f}"


def markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table: the first row is its head, the first column text."""
    lines = ["|" + "".join(f" {cell} |" if cell else " |" for cell in row) for row in rows]
    return [lines[0], "|---|" + "--:|" * (len(rows[0]) - 1), *lines[1:]]


def costs_table(found: Sequence[System]) -> list[str]:
    """Return the table of the systems."""
    rows: list[Sequence[str]] = [COLUMNS]
    for system in found:
        parameters = f"{system.parameters / 1e6:.1f} M"
        if system.frozen:
            parameters += f" + {system.frozen / 1e6:.1f} M"
        numbers = system.image, system.caption, system.pair, system.plain
        rows.append((system.name, parameters, *map(short, numbers)))
    return markdown(rows)


def jobs_table(found: Sequence[Job], rate: float) -> list[str]:
    """Return the table of a gallery.

    Args:
        rate: multiply-adds a second.
    """
    clip = next(job for job in found if job.name == "CLIP")
    rows: list[Sequence[str]] = [JOB_COLUMNS]
    for job in found:
        numbers = short(job.n_pairs), *map(short, (job.encoding, job.scoring, job.together))
        share = two_digits(job.together / clip.together)
        rows.append((job.name, *numbers, share, duration(job.together / rate)))
    return markdown(rows)


def main() -> None:
    args = parse_arguments(SystemCostsArguments, description=__doc__)
    check_at_least("--n_images", args.n_images, 1)
    check_at_least("--n_captions", args.n_captions, 1)
    if not args.rate > 0:
        raise InputError(f"--rate: expected more than 0, found {args.rate}")
    found = systems()
    print("\n".join(costs_table(found)), end="\n\n")
    of = {system.name: system for system in found}
    print("\n".join(jobs_table(jobs(of, args.n_images, args.n_captions), args.rate * 1e9)))


if __name__ == "__main__":
    run_command(main)

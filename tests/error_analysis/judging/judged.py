"""Small files of judgements, written as people and browsers write them."""

from pathlib import Path

from error_analysis.judging.judgement import Judgement
from error_analysis.judging.judgements import JudgementFile
from error_analysis.judging.panel import Panel, panel_of

SHA = "a1" * 32
HEAD = "query,direction,image_id,caption_id,text,tags,note"


def caption(number: int, *tags: str, image: int | None = None, note: str = "") -> Judgement:
    """A judged caption, of an image of its own unless one is given."""
    image_id = 1000 + number if image is None else image
    return Judgement(f"t2i-{number}", "t2i", image_id, number, f"caption {number}", tags, note)


def image(number: int, *tags: str) -> Judgement:
    return Judgement(f"i2t-{number}", "i2t", number, None, f"{number}.jpg", tags)


def file_of(judge: str, *judgements: Judgement, tags: tuple[str, ...] = ()) -> JudgementFile:
    return JudgementFile(judge, SHA, "tiny", "test", tags, judgements)


def panel_of_files(*files: JudgementFile) -> Panel:
    return panel_of([Path(f"{file.judge}.json") for file in files], files)


def write_csv(path: Path, *rows: str, head: str = HEAD, end: str = "\n") -> Path:
    path.write_bytes(end.join([head, *rows, ""]).encode())
    return path

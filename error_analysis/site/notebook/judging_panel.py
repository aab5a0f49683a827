"""Tags and a note on the query that a notebook's browser shows, and the file they are saved in."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import ipywidgets
from markupsafe import escape

from error_analysis.judging.judgement import NONE, SEPARATOR, Judgement, distinct_tags, one_line
from error_analysis.judging.judgements import (
    JudgementFile,
    gallery_sha256,
    read_judgements,
    write_judgements,
)
from error_analysis.queries.query import Item
from error_analysis.site.base.links import query_key
from preprocess.base.errors import InputError
from preprocess.captions.split_file import Split

WRAPPED = {"flex_flow": "row wrap"}


class JudgingPanel(ipywidgets.VBox):
    """The widget that judges one query at a time; its fields' values may be set.

    What the file has from an earlier session is read, and goes on.

    Attributes:
        judgements: by query; without tags and note where they were taken back.
        tags: the buttons by tag; "none" says that no tag fits, and the others exclude it.

    Raises:
        InputError: a tag has the semicolon that parts tags in a CSV.
    """

    def __init__(self, gallery: Split, judge: str, tags: Iterable[str], path: Path):
        super().__init__()
        tags = list(tags)
        for tag in tags:
            if SEPARATOR in tag:
                raise InputError(f"tags: expected none with {SEPARATOR!r}, found {tag!r}")
        self._gallery, self._hash = gallery, gallery_sha256(gallery)
        self._files = {image.image_id: image.file_name for image in gallery.images}
        self._query: Judgement | None = None
        self._is_showing = False
        self.judgements: dict[str, Judgement] = {}
        self.tags: dict[str, ipywidgets.ToggleButton] = {}
        self._buttons = ipywidgets.Box(layout=WRAPPED)
        self.note = ipywidgets.Text(
            placeholder="note", continuous_update=False, layout={"width": "min(100%, 40em)"}
        )
        self.note.observe(lambda _: self._judge(), "value")
        self.judge = ipywidgets.Text(judge, placeholder="your name")
        self.path = ipywidgets.Text(str(path), placeholder="a file: .json or .csv")
        self.save = ipywidgets.Button(description="Save", icon="save")
        self.save.on_click(lambda _: self._try(self._write))
        self.status = ipywidgets.HTML()
        saving = ipywidgets.Box([self.judge, self.path, self.save, self.status], layout=WRAPPED)
        self.children = (self._buttons, self.note, saving)
        self._offer([*tags, NONE])
        self._try(self._read)

    def show(self, item: Item | None) -> None:
        """Show what was said of a query; None: there is none to judge."""
        self._buttons.layout.display = "none" if item is None else "flex"
        self.note.layout.display = "none" if item is None else "flex"
        self._query = None if item is None else self._unjudged(item)
        if self._query is not None:
            given = self.judgements.get(self._query.query, self._query)
            self._offer(given.tags)
            self._set(given.tags, given.note)

    def _unjudged(self, item: Item) -> Judgement:
        image_id, caption_id = item.image_id, item.caption_id
        if caption_id is None:
            text = self._files[image_id]
            return Judgement(query_key("i2t", image_id), "i2t", image_id, None, text, ())
        key = query_key("t2i", caption_id)
        return Judgement(key, "t2i", image_id, caption_id, item.caption or "", ())

    def _offer(self, tags: Iterable[str]) -> None:
        """Add buttons for the tags that have none; "none" stays the last."""
        for tag in distinct_tags(tags):
            if tag not in self.tags:
                about = {"tooltip": "looked at, and no tag fits"} if tag == NONE else {}
                button = ipywidgets.ToggleButton(description=tag, layout={"width": "auto"}, **about)
                button.observe(
                    lambda change, tag=tag: self._judge(tag if change.new else ""), "value"
                )
                self.tags[tag] = button
        if NONE in self.tags:
            self.tags[NONE] = self.tags.pop(NONE)
        self._buttons.children = tuple(self.tags.values())

    def _set(self, tags: Iterable[str], note: str) -> None:
        self._is_showing = True  # what is shown was judged before
        for tag, button in self.tags.items():
            button.value = tag in tags
        self.note.value = note
        self._is_showing = False

    def _judge(self, new_tag: str = "") -> None:
        """Keep what the fields say of the shown query, after a tag was put on or something else."""
        if self._is_showing or self._query is None:
            return
        given = [tag for tag, button in self.tags.items() if button.value]
        if new_tag:
            given = [tag for tag in given if (tag == NONE) == (new_tag == NONE)]
        note = self.note.value.strip()
        self._set(given, note)
        self.judgements[self._query.query] = replace(self._query, tags=tuple(given), note=note)
        self.status.value = f"{self._n_judged()} judged, not all saved"

    def _n_judged(self) -> int:
        return sum(bool(judgement.tags) for judgement in self.judgements.values())

    def _try(self, step: Callable[[], str]) -> None:
        """Tell what a step did, or why it cannot be: an error in a callback would be hidden."""
        try:
            self.status.value = str(escape(step()))
        except InputError as error:
            self.status.value = f"<b>{escape(error)}</b>"

    def _read(self) -> str:
        """Take in what the file has and was not judged anew."""
        path = Path(self.path.value)
        if not path.exists():
            return ""
        file = read_judgements(path)
        if file.gallery_sha256 not in (None, self._hash):
            raise InputError(
                f"{path}: expected judgements of this gallery, found those of another "
                f"({file.dataset} {file.split}); name another file"
            )
        own = one_line(self.judge.value)
        if own and file.gallery_sha256 and own != file.judge:
            raise InputError(
                f"{path}: expected judgements of {own}, found those of {file.judge}; name another "
                "file, one for each judge"
            )
        self.judge.value = own or file.judge
        self._offer(file.tags)
        self.judgements = {one.query: one for one in file.judgements} | self.judgements
        return f"{self._n_judged()} judged, of which {len(file.judgements)} are in {path}"

    def _write(self) -> str:
        judge = one_line(self.judge.value)
        if not judge:
            raise InputError("give your name: it tells judges apart")
        self._read()
        given = tuple(one for one in self.judgements.values() if one.tags or one.note)
        offered = tuple(tag for tag in self.tags if tag != NONE)
        gallery = self._gallery
        path = Path(self.path.value)
        write_judgements(
            path,
            JudgementFile(judge, self._hash, gallery.dataset, gallery.split, offered, given),
        )
        return f"{len(given)} judgements saved in {path}"

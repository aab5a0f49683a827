"""A parsed HTML page, as a test looks at it."""

from collections import Counter
from html.parser import HTMLParser

ADDRESSES = {"src", "href", "xlink:href", "srcset", "action", "data", "poster"}
VOID = {"meta", "br", "wbr", "img", "link", "input", "hr", "col"}


class Page(HTMLParser):
    """The elements, ids, addresses and text of a page; fails where tags are not balanced."""

    def __init__(self, html: str):
        super().__init__()
        self.tags, self.ids, self.addresses = Counter(), [], []
        self.text, self.cards, self._open = "", {}, []
        self.feed(html)
        assert not self._open

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags[tag] += 1
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.addresses += [value for key, value in attributes.items() if key in ADDRESSES]
        if tag not in VOID:
            self._open.append((tag, attributes))
        if tag == "article":
            self.cards[attributes["id"]] = ""

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self._open.pop()[0] == tag

    def handle_data(self, data):
        if any(tag == "style" for tag, _ in self._open):
            return
        self.text += data
        for tag, attributes in self._open:
            if tag == "article":
                self.cards[attributes["id"]] += data

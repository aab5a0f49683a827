"""Tables as text: columns as wide as what stands in them."""

from collections.abc import Sequence

GAP = "  "


def text_table(rows: Sequence[Sequence[str]], align: str) -> list[str]:
    """Return one line a row, columns two spaces apart.

    Args:
        rows: the head and the body, each of as many cells as there are columns.
        align: one letter a column: "l" for text, "r" for numbers.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        GAP.join(
            cell.ljust(width) if side == "l" else cell.rjust(width)
            for cell, width, side in zip(row, widths, align, strict=True)
        ).rstrip()
        for row in rows
    ]

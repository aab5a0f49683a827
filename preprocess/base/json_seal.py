"""The seal of a JSON file: a member `sha256` of its object, the hash of the other members.

JSON has no checksum, and a changed digit or letter still reads. The hash is of the content, not of
the text: a file that was formatted anew, or whose members changed places, keeps its seal.
"""

import hashlib
import json
from typing import Any

SEAL = "sha256"
DIGITS = 64


class BrokenSealError(Exception):
    """An object has a seal that is not its own."""


def sealed(content: Any) -> Any:
    """Return an object with its seal as its last member; anything else as it is."""
    if not isinstance(content, dict):
        return content
    assert SEAL not in content, "the member is the seal's"
    # As it will be read: keys as text, tuples as lists.
    return {**content, SEAL: _hash(json.loads(json.dumps(content)))}


def unsealed(content: Any) -> Any:
    """Return an object without its seal; what has none, as files made by hand, as it is.

    Raises:
        BrokenSealError: the seal is not that of the other members.
    """
    if not isinstance(content, dict) or not content:
        return content
    # The last member is the seal also where its name is damaged.
    name = SEAL if SEAL in content else next(reversed(content))
    rest = {key: value for key, value in content.items() if key != name}
    looks_sealed = isinstance(content[name], str) and len(content[name]) == DIGITS
    if name != SEAL and not (looks_sealed and content[name] == _hash(rest)):
        return content
    if name != SEAL or content[name] != _hash(rest):
        raise BrokenSealError(
            f'the content does not match its member "{SEAL}": the file is damaged; or it was '
            "changed by hand, and then that member is to be taken out"
        )
    return rest


def _hash(content: dict) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()

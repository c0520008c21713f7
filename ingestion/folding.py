"""Text as identities are compared (SPEC D7a); macro `folded` gives the same in SQL.

A server's own `lower` answers as its locale does, so letters are replaced by a list of our own.
"""

import re
import unicodedata
from collections.abc import Iterator

# First and last code of: letters (Latin, Greek, Cyrillic, Armenian), blanks, what nobody sees.
LETTERS = ((0xB5, 0x587), (0x1E00, 0x1FFF), (0x2126, 0x212B), (0xFF21, 0xFF3A))
BLANKS = (
    *((0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029)),
    *((0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000)),
)
UNSEEN = (
    *((0xAD, 0xAD), (0x200B, 0x200B), (0x200E, 0x200F), (0x202A, 0x202E), (0x2060, 0x2060)),
    *((0x2066, 0x2069), (0xFEFF, 0xFEFF)),
)


def _codes(*ranges: tuple[int, int]) -> Iterator[int]:
    return (code for first, last in ranges for code in range(first, last + 1))


REPLACEMENTS: dict[int, str | None] = {
    **{
        code: small
        for code in _codes((ord("A"), ord("Z")), *LETTERS)
        if len(small := chr(code).casefold()) == 1 and small != chr(code)
    },
    **dict.fromkeys(map(ord, "İı"), "i"),  # the four i of Turkish are one
    ord("ẞ"): "ß",
    **dict.fromkeys(_codes(*BLANKS), " "),
    **dict.fromkeys(_codes(*UNSEEN)),
}


def folded(text: str) -> str:
    """Return the text composed, in small letters, blanks as one space and none at the ends."""
    letters = unicodedata.normalize("NFC", text).translate(REPLACEMENTS).replace("ß", "ss")
    return re.sub("[ \t\n\v\f\r]+", " ", letters).strip(" ")

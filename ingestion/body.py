"""The body of an answer: read piece by piece, unpacked, and never larger than it may be (R9a)."""

import threading
import zlib

import requests

PIECE_BYTES = 1 << 16
ANY_GZIP = 31


def read_body(response: requests.Response, most_bytes: int, is_over: threading.Event) -> bytes:
    """Return the body of a streamed response; stops where `is_over` says nobody waits for it.

    Raises ValueError for one that is too large or packed in an unknown way, and a
    requests.ConnectionError for one that ends too early.
    """
    packed = (response.headers.get("Content-Encoding") or "").strip().lower()
    if packed not in ("", "identity", "gzip", "x-gzip"):
        raise ValueError(f"a body packed as {packed[:50]}, which was not asked for")
    unpack = zlib.decompressobj(ANY_GZIP) if "gzip" in packed else None
    pieces, size, received = [], 0, 0
    for piece in response.raw.stream(PIECE_BYTES, decode_content=False):
        if is_over.is_set():
            raise requests.Timeout("nobody waits any longer")
        received += len(piece)
        unpacked = _unpacked(unpack, piece, most_bytes + 1 - size) if unpack else piece
        size += len(unpacked)
        if size > most_bytes:
            raise ValueError(
                f"more than {most_bytes >> 20} MB. Set LEDGERHOUSE_MAX_ANSWER_MB higher if that "
                "is right"
            )
        pieces.append(unpacked)
    if unpack and received and not unpack.eof:
        raise requests.ConnectionError("the packed body ends too early")
    return b"".join(pieces)


def _unpacked(unpack: "zlib._Decompress", piece: bytes, most_bytes: int) -> bytes:
    try:
        return unpack.decompress(piece, most_bytes)
    except zlib.error:
        raise ValueError("a body that cannot be unpacked") from None

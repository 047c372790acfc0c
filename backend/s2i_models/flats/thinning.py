"""Thinning of strokes to lines of one pixel, for finding where strokes end.

Guo and Hall, "Parallel thinning with two-subiteration algorithms", CACM 1989, which, unlike Zhang
and Suen's, does not eat diagonal strokes up from their ends. Only pixels
beside ones that went in the round before are looked at again, so a round costs as many pixels as
the strokes have edge, not as many as the canvas has.
"""

from __future__ import annotations

import numpy as np

# Neighbors clockwise from north, as the paper numbers them p2 to p9: bits 0 to 7 of a code.
_STEPS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))


def thin(ink: np.ndarray, rounds: int) -> np.ndarray:
    """Peel `ink` (uint8, height x width, nonzero where ink) for at most `rounds` rounds.

    Each round takes one pixel from either side of a stroke. What is wider than twice `rounds`
    stays an area. Returns uint8 of the same shape, 1 where a pixel stayed.
    """
    padded = np.pad((ink > 0).view(np.uint8), 1)
    flat = padded.ravel()
    offsets = _offsets(padded.shape[1])
    candidates = np.flatnonzero(flat)
    interior = np.ones(len(candidates), bool)
    for offset in offsets:
        interior &= flat[candidates + offset] != 0
    candidates = candidates[~interior]
    order = np.empty(flat.shape, np.int32)
    for _ in range(rounds):
        gone = []
        for deletable in _DELETABLE:
            deleted = candidates[deletable[_codes(flat, candidates, offsets)]]
            flat[deleted] = 0
            gone.append(deleted)
            candidates = candidates[flat[candidates] != 0]
        peeled = np.concatenate(gone)
        if not peeled.size:
            break
        beside = (peeled[:, None] + offsets).ravel()
        beside = beside[flat[beside] != 0]
        order[beside] = np.arange(len(beside))  # the last one of equals wins: no sort needed
        candidates = beside[order[beside] == np.arange(len(beside))]
    return padded[1:-1, 1:-1]


def line_ends(thinned: np.ndarray) -> np.ndarray:
    """End points of lines in a thinned picture: int (n, 2), rows and columns."""
    padded = np.pad(thinned, 1)
    flat = padded.ravel()
    pixels = np.flatnonzero(flat)
    ends = pixels[_IS_END[_codes(flat, pixels, _offsets(padded.shape[1]))]]
    return np.stack(np.unravel_index(ends, padded.shape), axis=1) - 1


def walk_from(
    thinned: np.ndarray, ends: np.ndarray, steps: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Walk from `ends` (n, 2) along their lines, at most `steps` (n,) pixels each.

    Returns where each walk stopped, int (n, 2); whether a fork stopped it, bool (n,); and a map,
    int32 like `thinned`, of which walk came by, -1 where none.
    """
    padded = np.pad(thinned, 1)
    flat = padded.ravel()
    trace = np.full(flat.shape, -1, np.int32)
    offsets = _offsets(padded.shape[1])
    at = (ends[:, 0] + 1) * padded.shape[1] + ends[:, 1] + 1
    forked = np.zeros(len(at), bool)
    walking = np.arange(len(at))
    # Nobody walks back. What another walk left behind is no hint: two may come from both ends.
    behind = np.repeat(at[None], 3, axis=0)
    for step in range(int(steps.max()) + 1 if len(steps) else 0):
        trace[at[walking]] = walking
        walking = walking[steps[walking] > step]
        beside = at[walking][:, None] + offsets
        ahead = flat[beside] > 0
        for back in behind:
            ahead &= beside != back[walking][:, None]
        code = np.packbits(ahead, axis=1, bitorder="little")[:, 0]
        forked[walking] = _RISES[code] > 1
        goes_on = _RISES[code] == 1
        walking = walking[goes_on]
        behind[step % 3, walking] = at[walking]
        at[walking] += offsets[_NEXT[code[goes_on]]]
        if not walking.size:
            break
    stops = np.stack(np.unravel_index(at, padded.shape), axis=1) - 1
    return stops, forked, trace.reshape(padded.shape)[1:-1, 1:-1]


def _offsets(width: int) -> np.ndarray:
    return np.array([y * width + x for y, x in _STEPS])


def _codes(flat: np.ndarray, pixels: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    code = np.zeros(len(pixels), np.uint8)
    for bit, offset in enumerate(offsets):
        code |= flat[pixels + offset] << np.uint8(bit)
    return code


def _tables() -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray, np.ndarray, np.ndarray]:
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    count = bits.sum(axis=1)
    rises = ((bits == 0) & (np.roll(bits, -1, axis=1) == 1)).sum(axis=1)
    p2, p3, p4, p5, p6, p7, p8, p9 = bits.T
    pieces = (
        ((1 - p2) & (p3 | p4))
        + ((1 - p4) & (p5 | p6))
        + ((1 - p6) & (p7 | p8))
        + ((1 - p8) & (p9 | p2))
    )
    pairs = np.minimum(
        (p9 | p2) + (p3 | p4) + (p5 | p6) + (p7 | p8), (p2 | p3) + (p4 | p5) + (p6 | p7) + (p8 | p9)
    )
    simple = (pieces == 1) & (pairs >= 2) & (pairs <= 3)
    first = simple & (((p6 | p7 | (1 - p9)) & p8) == 0)
    second = simple & (((p2 | p3 | (1 - p5)) & p4) == 0)
    # One neighbor, or two that touch each other; or none: a dot that was peeled to its middle.
    is_end = ((rises == 1) & (count <= 2)) | (count == 0)
    # Where a line goes on: over an edge if it can, so that no pixel of a step is left behind.
    following = np.where(bits[:, ::2].any(axis=1), 2 * bits[:, ::2].argmax(axis=1), bits.argmax(1))
    return (first, second), is_end, rises, following


_DELETABLE, _IS_END, _RISES, _NEXT = _tables()

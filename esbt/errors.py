"""The one error users meet for bad input, and the "did you mean" that goes with unknown words. Knows nothing of bars or models."""

from collections.abc import Iterable
from difflib import get_close_matches

from esbt.rival_words import meaning


class EsbtError(ValueError):
    """Bad input: the message says what was wrong, the value seen, and what to do."""


def did_you_mean(word: str, known: Iterable[str], kind: str = "parameter") -> str:
    """What to append to a message about an unknown word of some kind.

    For a parameter that is a word of another backtester, or ours but of another place: what it is called here, and how its unit differs
    (`esbt.rival_words`). Else `"; did you mean 'x'?"` for the nearest of `known`, else the list of what is known.
    """
    names = sorted(known)
    if kind == "parameter" and (said := meaning(str(word), names)):
        return said
    near = get_close_matches(str(word).lower(), names, n=1, cutoff=0.6) or get_close_matches(str(word), names, n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(names)}"


def unknown(kind: str, word: str, known: Iterable[str]) -> EsbtError:
    """The error for an unknown name of some kind, e.g. `unknown("instrument", "EZ", table)`."""
    return EsbtError(f"unknown {kind} {word!r}{did_you_mean(word, known, kind)}")

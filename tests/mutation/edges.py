"""Cases at the ends of the core's ranges, by hand: what it may hold, win and lose before it must refuse to count on."""

from collections.abc import Iterator

from reference.records import OFF, Bar, Rules

HIGH = 2**26
MOST = {"contracts": 2**20, "tick_value_e4": 2**13}  # 2**33 a tick, the most a position may move by
HOLDS = Rules(stop_atr=OFF, target_r=OFF, slippage_ticks=0, max_bars=1)
UP, DOWN = Bar(-HIGH, HIGH, -HIGH, HIGH), Bar(HIGH, HIGH, -HIGH, -HIGH)


def edge_cases() -> Iterator[tuple[str, list[Bar], list[int], Rules]]:
    """(name, bars, signals, rules): one bar of UP or DOWN is worth 2**60 to the largest position."""

    def rules(**changed: object) -> Rules:
        return Rules(**{**HOLDS.__dict__, **MOST, **changed})

    flat = Bar(0, 0, 0, 0)
    for side, word in ((1, "long"), (-1, "short")):
        won, lost = (UP, DOWN) if side > 0 else (DOWN, UP)
        for bar, end in ((won, "won"), (lost, "lost")):
            yield f"{word} all that may be {end}", [flat, bar, bar, flat], [side, side, 0, 0], rules()
            yield f"{word} all that may be {end} and fees", [flat, bar, bar, flat, flat], [side, side, side, 0, 0], rules(fee_e4=1)
            yield f"{word} {end} a third time", [flat, bar, bar, bar, flat], [side, side, side, 0, 0], rules()
        yield f"{word} a tick beyond the largest position", [flat, won, flat], [side, 0, 0], rules(tick_value_e4=2**13 + 1)
        yield f"{word} a contract beyond the largest position", [flat, won, flat], [side, 0, 0], rules(contracts=2**20 + 1)

#!/usr/bin/env python3
"""What the first benchmark row must come to, worked out without Sapphire.

One delegated agent crosses two exponential averages of one-minute closes, holds a fixed quantity,
turns it over at each cross, has no other exit, and pays a fee on every fill. The benchmark is void
unless its crosses, fills, fees and equity are these.

Rules, the same as the engine's:
- prices are whole ticks; one off the tick is rounded to the nearest, half up;
- a decision is made at a bar's close and filled at the next bar's open; one on the last bar is not;
- a fill's fee is rounded up to 0.00000001; nothing else is rounded;
- the averages are worked out with 60 digits, so that no rounding decides a cross (`smallestGap`
  says how near the two ever came); where they are equal, the side stays what it was;
- `sma` seeds an average with the mean of its first values, as TA-Lib and Sapphire do; `first` seeds
  it with the first value, as many libraries do. Both wait until the slow one has seen its period.

Standard library only: python3 ema_cross.py BARS.csv[.gz] [--help]
"""

import argparse
import csv
import gzip
import json
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal, getcontext

getcontext().prec = 60
UNIT = Decimal("0.00000001")


def bars(path, tick):
    """Open and close of each bar in ticks, oldest first, and how many of all prices were off the tick."""
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    rows.sort(key=lambda row: row["timestamp"])
    off_tick = 0
    read = []
    for row in rows:
        ticks = {}
        for name in ("open", "high", "low", "close"):
            exact = Decimal(row[name]) / tick
            ticks[name] = int(exact.to_integral_value(rounding=ROUND_HALF_UP))
            off_tick += exact != ticks[name]
        read.append((ticks["open"], ticks["close"]))
    return read, off_tick


def averages(values, period, seeding):
    """The exponential average after each value; None before it is ready."""
    weight = Decimal(2) / (period + 1)
    average, seen = None, []
    for value in values:
        seen.append(value)
        if average is not None:
            average += (value - average) * weight
        elif seeding == "first":
            average = Decimal(value)
        elif len(seen) == period:
            average = Decimal(sum(seen)) / period
        yield average if len(seen) >= period else None


def run(read, seeding, args):
    closes = [close for _, close in read]
    pairs = zip(averages(closes, args.fast, seeding), averages(closes, args.slow, seeding))
    cash, position, side = Decimal(args.balance), 0, 0
    crosses = fills = 0
    fees = Decimal(0)
    smallest_gap = None
    for index, (fast, slow) in enumerate(pairs):
        if fast is None or slow is None:
            continue
        gap = fast - slow
        if smallest_gap is None or abs(gap) < smallest_gap:
            smallest_gap = abs(gap)
        before = side
        side = (gap > 0) - (gap < 0) or side
        if side == before:
            continue
        crosses += before != 0
        if index + 1 == len(read):
            continue
        price = read[index + 1][0] * args.tick
        change = side * args.quantity - position
        fee = (abs(change) * price * args.fee).quantize(UNIT, rounding=ROUND_CEILING)
        cash -= change * price + fee
        fees += fee
        fills += 1
        position += change
    mark = closes[-1] * args.tick
    return {
        "seeding": seeding,
        "crosses": crosses,
        "fills": fills,
        "fees": text(fees),
        "position": text(Decimal(position)),
        "finalEquity": text(cash + position * mark),
        "smallestGap": f"{smallest_gap * args.tick:.3e}",
    }


def text(amount):
    """A decimal with two to eight places, as Sapphire writes amounts."""
    whole, _, places = f"{amount:.8f}".partition(".")
    return f"{whole}.{places.rstrip('0').ljust(2, '0')}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bars", help="CSV with timestamp, open, high, low, close; gzip or plain")
    parser.add_argument("--fast", type=int, default=10, help="bars of the fast average")
    parser.add_argument("--slow", type=int, default=20, help="bars of the slow average")
    parser.add_argument("--tick", type=Decimal, default=Decimal("0.1"), help="price step")
    parser.add_argument("--quantity", type=Decimal, default=Decimal("0.001"), help="position held")
    parser.add_argument("--fee", type=Decimal, default=Decimal("0.0004"), help="share of a fill's value")
    parser.add_argument("--balance", type=Decimal, default=Decimal(100_000), help="to start with")
    args = parser.parse_args()
    read, off_tick = bars(args.bars, args.tick)
    runs = [run(read, seeding, args) for seeding in ("sma", "first")]
    print(json.dumps({"bars": len(read), "offTick": off_tick, "runs": runs}, indent=2))


if __name__ == "__main__":
    main()

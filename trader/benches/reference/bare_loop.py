#!/usr/bin/env python3
"""How fast plain Python trades the bars of the first benchmark row: what its figure is compared with.

The same rule as ema_cross.py, which says what the row must come to, as a person would write it for
speed: one loop, money in whole numbers of 1e-8, the averages as floats. No gate, no journal, no venue.

usage: bare_loop.py btcusdt-perp-1m-202201.csv.gz [runs]
"""

import csv
import gzip
import json
import sys
import time
from decimal import ROUND_HALF_UP, Decimal

SCALE = 10**8
TICK = Decimal("0.1")
TICK_VALUE = 10_000  # of one lot of 0.001, in 1e-8
LOTS = 10  # 0.01 bitcoin
FEE = 40_000  # 0.04 %, in 1e-8
BALANCE = 1_000_000 * SCALE
FAST, SLOW = 10, 20


def ticks(text):
    """The nearest tick, half up."""
    return int((Decimal(text) / TICK).to_integral_value(rounding=ROUND_HALF_UP))


def read(path):
    """Opens and closes, in ticks."""
    with gzip.open(path, "rt", newline="") as file:
        return [(ticks(row["open"]), ticks(row["close"])) for row in csv.DictReader(file)]


def trade(bars):
    """Crosses, fills, and what the account is worth at the last close."""
    fast_sum = slow_sum = 0.0
    fast = slow = None
    fast_weight, slow_weight = 2.0 / (FAST + 1.0), 2.0 / (SLOW + 1.0)
    side = wanted = position = 0
    cash, fills, crosses = BALANCE, 0, 0
    close = 0
    for number, (opens, close) in enumerate(bars):
        if wanted * LOTS != position:
            quantity = wanted * LOTS - position
            value = opens * abs(quantity) * TICK_VALUE
            fee = -(-value * FEE // SCALE)
            cash -= opens * quantity * TICK_VALUE + fee
            fills += 1
            position += quantity
        if number < FAST:
            fast_sum += close
            if number == FAST - 1:
                fast = fast_sum / FAST
        else:
            fast += (close - fast) * fast_weight
        if number < SLOW:
            slow_sum += close
            if number == SLOW - 1:
                slow = slow_sum / SLOW
        else:
            slow += (close - slow) * slow_weight
        if slow is None or fast == slow:
            continue
        now = 1 if fast > slow else -1
        crosses += side not in (0, now)
        side = wanted = now
    equity = cash + close * position * TICK_VALUE
    return {"crosses": crosses, "fills": fills, "finalEquity": money(equity)}


def money(units):
    """Units of 1e-8 as a decimal of two to eight places, as ema_cross.py writes amounts."""
    whole, fraction = divmod(abs(units), SCALE)
    places = f"{fraction:08d}".rstrip("0").ljust(2, "0")
    return f"{'-' if units < 0 else ''}{whole}.{places}"


def main():
    path = sys.argv[1]
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    bars = read(path)
    seconds = []
    result = None
    for _ in range(runs):
        began = time.perf_counter()
        result = trade(bars)
        seconds.append(time.perf_counter() - began)
    print(json.dumps({"bars": len(bars), **result, "seconds": seconds}))


if __name__ == "__main__":
    main()

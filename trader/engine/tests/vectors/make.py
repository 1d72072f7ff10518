#!/usr/bin/env python3
"""Makes the reference vectors beside this file from the repository's own market data.

    python3 -m venv target/vectors && target/vectors/bin/pip install \
        TA-Lib==0.8.2 empyrical-reloaded==0.7.1 numpy==2.4.6
    target/vectors/bin/python trader/engine/tests/vectors/make.py [BTCUSD-HOURLY.csv.gz]

The files are committed: tests need no Python. Run it again only to add a case.

- bars.csv        high, low, close of the oldest 5,000 hourly bars, oldest first
- indicators.csv  TA-Lib's values on them: every bar of the first 300, then every 100th
- edges.csv       TA-Lib's RSI, ATR and Bollinger bands on short made-up series
- returns.csv     daily returns of the whole file, by each UTC day's last close
- measures.csv    empyrical's Sharpe, Sortino and maximum drawdown of slices of these
"""

import csv
import datetime
import gzip
import math
import pathlib
import sys

import empyrical
import numpy as np
import talib

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE.parents[3] / "examples" / "data" / "btcusd-coinbase-1h.csv.gz"
BARS, DENSE, EVERY = 5_000, 300, 100


def write(name, header, rows):
    with open(HERE / name, "w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def number(value):
    """The shortest text that reads back as the same float; nothing where TA-Lib defines nothing."""
    return "" if math.isnan(value) else repr(float(value))


def read(path):
    with gzip.open(path, "rt") as lines:
        next(lines)  # the title line
        rows = [
            (datetime.datetime.strptime(r["date"], "%Y-%m-%d %I-%p"), r)
            for r in csv.DictReader(lines)
        ]
    return sorted(rows, key=lambda row: row[0])


def indicators(high, low, close):
    columns = {
        "sma_20": talib.SMA(close, 20),
        "ema_10": talib.EMA(close, 10),
        "ema_50": talib.EMA(close, 50),
        "rsi_14": talib.RSI(close, 14),
        "rsi_2": talib.RSI(close, 2),
        "atr_14": talib.ATR(high, low, close, 14),
        "atr_1": talib.ATR(high, low, close, 1),
    }
    names = ("bands_20_2_upper", "bands_20_2_middle", "bands_20_2_lower")
    columns |= zip(names, talib.BBANDS(close, 20, 2.0, 2.0))
    names = ("bands_5_1.5_upper", "bands_5_1.5_middle", "bands_5_1.5_lower")
    columns |= zip(names, talib.BBANDS(close, 5, 1.5, 1.5))
    names = ("macd_12_26_9", "macd_12_26_9_signal", "macd_12_26_9_histogram")
    columns |= zip(names, talib.MACD(close, 12, 26, 9))
    names = ("macd_5_35_5", "macd_5_35_5_signal", "macd_5_35_5_histogram")
    columns |= zip(names, talib.MACD(close, 5, 35, 5))
    return columns


def edges():
    """Series on which formulas divide by nothing or sit at their ends."""
    series = {
        "flat": np.full(30, 100.0),
        "rising": np.arange(1.0, 31.0),
        "falling": np.arange(30.0, 0.0, -1.0),
        "alternating": np.array([100.0, 101.0] * 15),
        "one_jump_then_flat": np.r_[np.full(5, 100.0), np.full(25, 150.0)],
        "tiny": np.array([1e-8, 2e-8, 1e-8, 3e-8, 1e-8] * 6),
        "huge": np.array([1e15, 1.1e15, 0.9e15] * 10),
        "one_bar": np.array([100.0]),
    }
    for name, close in series.items():
        high, low = close * 1.01, close * 0.99
        rsi, atr = talib.RSI(close, 5), talib.ATR(high, low, close, 5)
        upper, middle, lower = talib.BBANDS(close, 5, 2.0, 2.0)
        for index in range(len(close)):
            values = (high, low, close, rsi, atr, upper, middle, lower)
            yield [name] + [number(v[index]) for v in values]


def main():
    rows = read(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else DATA)
    first = [row for _, row in rows[:BARS]]
    write("bars.csv", ["high", "low", "close"], ([r["high"], r["low"], r["close"]] for r in first))
    columns = indicators(*(np.array([float(r[c]) for r in first]) for c in ("high", "low", "close")))
    picked = [i for i in range(BARS) if i < DENSE or i % EVERY == 0 or i == BARS - 1]
    write(
        "indicators.csv",
        ["index", *columns],
        ([i, *(number(values[i]) for values in columns.values())] for i in picked),
    )
    header = ["series", "high", "low", "close", "rsi_5", "atr_5", "upper", "middle", "lower"]
    write("edges.csv", header, edges())

    daily = {time.date(): float(row["close"]) for time, row in rows}
    closes = np.array(list(daily.values()))
    returns = closes[1:] / closes[:-1] - 1.0
    write("returns.csv", ["return"], ([number(r)] for r in returns))
    slices = []
    for start, end in [(0, len(returns)), (0, 30), (0, 365), (365, 730), (600, len(returns)), (100, 102)]:
        part = returns[start:end]
        slices.append([
            start,
            end,
            number(empyrical.sharpe_ratio(part, annualization=365)),
            number(empyrical.sortino_ratio(part, annualization=365)),
            number(-empyrical.max_drawdown(part)),
        ])
    write("measures.csv", ["start", "end", "sharpe", "sortino", "max_drawdown"], slices)


if __name__ == "__main__":
    main()

import { describe, expect, it } from "vitest";
import type { Bar, EquityPoint, Fill, Round } from "./contract";
import {
  appendPoint,
  barOf,
  intervalMillis,
  mergeBars,
  mergeFills,
  mergeRounds,
  thin,
} from "./series";

const hour = (n: number): string => new Date(Date.UTC(2018, 0, 1) + n * 3_600_000).toISOString();
const point = (n: number, drawdown = "0"): EquityPoint => ({
  t: hour(n),
  equity: String(n),
  drawdown,
  buyAndHold: "1",
});
const bar = (n: number, close = "1"): Bar => ({
  t: hour(n),
  open: "1",
  high: "1",
  low: "1",
  close,
  volume: "0",
});
const fill = (n: number, orderId = `O-${n}`): Fill => ({
  t: hour(n),
  side: "Buy",
  price: "1",
  quantity: "1",
  orderId,
  purpose: "Entry",
});
const decision = {
  id: "D",
  action: "Enter",
  side: "Buy",
  quantity: "1",
  boundBy: null,
  verdict: "Approved",
  denials: [],
} as const;
const round = (n: number, decided = false): Round => ({
  id: `R-${n}`,
  symbol: "BTCUSD",
  closedAt: hour(n),
  outcome: "Hold",
  approval: null,
  agreeing: 0,
  cast: 0,
  reason: "",
  votes: [],
  decision: decided ? { ...decision, denials: [] } : null,
});
const times = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe("equity curve", () => {
  it("grows by newer points, replaces its last, and ignores older ones", () => {
    const two = [point(1), point(2)];
    expect(appendPoint(two, point(3))).toHaveLength(3);
    expect(appendPoint(two, { ...point(2), equity: "9" }).map((p) => p.equity)).toEqual(["1", "9"]);
    expect(appendPoint(two, point(1))).toBe(two);
  });

  it("stays bounded and keeps its ends and its deepest drawdown", () => {
    let history: EquityPoint[] = [];
    for (const n of times(10_000))
      history = appendPoint(history, point(n, n === 4_321 ? "0.2" : "0"));
    expect(history.length).toBeLessThanOrEqual(2_000);
    expect(history.some((p) => p.drawdown === "0.2")).toBe(true);
    expect(history.at(-1)?.t).toBe(hour(9_999));
    expect(history[0]?.t).toBe(hour(0));
  });

  it.each([
    [1, [0]],
    [2, [0, 1]],
    [3, [0, 2]],
    [4, [0, 2, 3]],
  ])("of %i points is thinned to both ends and one of each pair", (length, kept) => {
    const curve = times(length).map((n) => point(n));
    expect(thin(curve).map((p) => p.t)).toEqual(kept.map(hour));
  });
});

describe("bars", () => {
  it("replace the bar of their time and follow the last", () => {
    const bars = mergeBars([bar(1), bar(2)], [bar(2, "5"), bar(3)]);
    expect(bars.map((b) => [b.t, b.close])).toEqual([
      [hour(1), "1"],
      [hour(2), "5"],
      [hour(3), "1"],
    ]);
  });

  it("from before the first go in front, each once", () => {
    expect(mergeBars([bar(1), bar(2), bar(3)], [bar(3, "5"), bar(4)]).map((b) => b.close)).toEqual([
      "1",
      "1",
      "5",
      "1",
    ]);
    expect(mergeBars([bar(3)], [bar(1), bar(2)]).map((b) => b.t)).toEqual([1, 2, 3].map(hour));
  });

  it("stay bounded and keep the newest", () => {
    const bars = times(4_000).reduce<Bar[]>((held, n) => mergeBars(held, [bar(n)]), []);
    expect(bars.length).toBeLessThanOrEqual(1_500);
    expect(bars.at(-1)?.t).toBe(hour(3_999));
  });

  it("have a length that is read from the desk's interval", () => {
    expect([intervalMillis("15m"), intervalMillis("1h"), intervalMillis("1d")]).toEqual([
      900_000, 3_600_000, 86_400_000,
    ]);
    expect(intervalMillis("a fortnight")).toBe(Number.POSITIVE_INFINITY);
  });

  it.each([
    ["before the first", 0.5, null],
    ["at its open", 1, 0],
    ["within it", 1.9, 0],
    ["in a hole of the data, on the bar before", 3.5, 1],
    ["on the last", 5.9, 2],
    ["after the last: its own has not closed yet", 6, null],
    ["days after the last", 100, null],
  ])("have the moments that they span: one %s", (_, moment, index) => {
    expect(barOf([bar(1), bar(2), bar(5)], hour(moment), intervalMillis("1h"))).toBe(index);
  });
});

describe("fills", () => {
  it("that both the load and the stream bring are held once", () => {
    const held = [fill(1), fill(2)];
    expect(mergeFills(held, [fill(2)])).toBe(held);
    expect(mergeFills(held, [fill(2), fill(3)])).toHaveLength(3);
  });

  it("that arrive out of order are put in order", () => {
    expect(mergeFills([fill(1), fill(3)], [fill(2)]).map((f) => f.orderId)).toEqual([
      "O-1",
      "O-2",
      "O-3",
    ]);
  });

  it("of one order that differ in price or time are all held", () => {
    expect(mergeFills([fill(1, "O")], [{ ...fill(1, "O"), price: "2" }])).toHaveLength(2);
  });
});

describe("rounds", () => {
  it("come newest first and are replaced by id", () => {
    const rounds = mergeRounds([round(1), round(2)], [{ ...round(2), reason: "again" }, round(3)]);
    expect(rounds.map((r) => [r.id, r.reason])).toEqual([
      ["R-3", ""],
      ["R-2", "again"],
      ["R-1", ""],
    ]);
  });

  it("with a decision outlive those without", () => {
    const rounds = times(500).reduce<Round[]>(
      (held, n) => mergeRounds(held, [round(n, n % 50 === 0)]),
      [],
    );
    expect(rounds.length).toBeLessThanOrEqual(80);
    expect(rounds.some((r) => r.id === "R-0")).toBe(true);
    expect(rounds.some((r) => r.id === "R-1")).toBe(false);
  });
});

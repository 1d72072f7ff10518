import { describe, expect, it } from "vitest";
import {
  brief,
  change,
  duration,
  exact,
  inUnit,
  money,
  multiple,
  percent,
  price,
  quantity,
  shortHash,
  shortTime,
  time,
  words,
} from "./format";

describe("format", () => {
  it("groups thousands and shows cents, with a true minus", () => {
    expect(money("1234567.891")).toBe("1,234,567.89");
    expect(money("-1234.5")).toBe("\u22121,234.50");
    expect(money("12.3", true)).toBe("+12.30");
    expect(money("0.00", true)).toBe("0.00");
    expect(money("-0.001")).toBe("0.00");
  });

  it("does not lose a cent of an amount beyond a float's digits", () => {
    expect(money("90071992547409.93")).toBe("90,071,992,547,409.93");
  });

  it("keeps the places that a price came with", () => {
    expect(exact("61800.10")).toBe("61,800.10");
    expect(exact("0.001")).toBe("0.001");
  });

  it("shows a dash for nothing and the text itself for what is no decimal", () => {
    expect(money(null)).toBe("–");
    expect(percent(undefined)).toBe("–");
    expect(exact("n/a")).toBe("n/a");
  });

  it("writes ratios as percentages", () => {
    expect(percent("0.0312")).toBe("3.12\u202f%");
    expect(percent("-0.5", 0, true)).toBe("\u221250\u202f%");
    expect(percent("1", 0)).toBe("100\u202f%");
  });

  it("computes a change without a float, and none from zero", () => {
    expect(change("112.5", "100")).toBe("0.125000");
    expect(change("87.5", "100")).toBe("-0.125000");
    expect(change("1500", "0.5")).toBe("2999.000000");
    expect(change("1", "0")).toBeNull();
  });

  it.each([
    ["0.25", "ratio", "25.00\u202f%"],
    ["0.45353289", "x", "0.45×"],
    ["9.54646711", "x", "9.55×"],
    ["1.00", "count", "1"],
    ["3", "count", "3"],
    ["82975.27914", "quote", "82,975.28"],
    ["548859.50066913", "quote", "548,859.50"],
    ["150000", "USD", "150,000 USD"],
  ])("writes a limit of %s %s as %s", (text, unit, written) => {
    expect(inUnit(text, unit)).toBe(written);
  });

  it.each([
    ["8031.8", "0.01", "8,031.80"],
    ["8031.80", "0.10", "8,031.8"],
    ["0.000123", "0.000001", "0.000123"],
    ["61800.00", "1.00", "61,800"],
    ["7910.725", "0.01", "7,910.73"],
    ["61800.10", undefined, "61,800.10"],
  ])("writes the price %s on a tick of %s as %s", (text, tick, written) => {
    expect(price(text, tick)).toBe(written);
  });

  it("writes quantities to the lot, and none as 0", () => {
    expect(quantity("14.9503", "0.00001")).toBe("14.95030");
    expect(quantity("0.00", "0.00001")).toBe("0");
    expect(quantity("12.00", "1.00")).toBe("12");
  });

  it("writes multiples with two places, and shortens what has no unit", () => {
    expect([multiple("10"), multiple(null)]).toEqual(["10.00×", "–"]);
    expect([brief("10.23232109"), brief("1200.5"), brief("3 lots")]).toEqual([
      "10.2323",
      "1,200.5",
      "3 lots",
    ]);
  });

  it("turns names into words", () => {
    expect(words("maxDrawdown")).toBe("Max drawdown");
    expect(words("PartiallyFilled")).toBe("Partially filled");
    expect(words("realizedPnl")).toBe("Realized P&L");
  });

  it("writes event times in UTC whatever the reader's zone, with seconds where there are any", () => {
    expect(time("2017-10-17T09:00:00Z")).toBe("2017-10-17 09:00");
    expect(time("2017-10-17T09:00:07.250Z")).toBe("2017-10-17 09:00:07");
    expect(time("2017-10-17T09:00:00+02:00")).toBe("2017-10-17 07:00");
    expect(time("soon")).toBe("soon");
    expect(shortTime("2017-10-17T09:00:00Z")).toBe("10-17 09:00");
    expect(shortTime(null)).toBe("–");
  });

  it.each([
    [850, "850 ms"],
    [12_000, "12 s"],
    [185_000, "3 min 5 s"],
    [7_800_000, "2 h 10 min"],
  ])("writes %i ms as %s", (millis, text) => {
    expect(duration(millis)).toBe(text);
  });

  it("shortens a hash with or without its algorithm", () => {
    expect(shortHash("sha256:0123456789abcdef")).toBe("0123456789ab");
    expect(shortHash("0123456789abcdef")).toBe("0123456789ab");
  });
});

import { describe, expect, it } from "vitest";
import { divide, parse, round, type Scaled, shift, sign, subtract } from "./decimal";

const read = (text: string): Scaled => {
  const value = parse(text);
  if (!value) throw new Error(`${text} is no decimal`);
  return value;
};

describe("decimal", () => {
  it("reads plain decimals with their places", () => {
    expect(parse("-61800.10")).toEqual({ units: -6180010n, places: 2 });
    expect(parse("+7")).toEqual({ units: 7n, places: 0 });
  });

  it.each(["", "-", "1e5", "NaN", "1,000", ".5", "1."])("refuses %j", (text) => {
    expect(parse(text)).toBeNull();
  });

  it("keeps digits that a float would lose", () => {
    expect(read("9007199254740993.00000001").units).toBe(900719925474099300000001n);
  });

  it.each([
    ["1.005", 2, 101n],
    ["-1.005", 2, -101n],
    ["1.004", 2, 100n],
    ["0.5", 0, 1n],
    ["2", 2, 200n],
  ])("rounds %s to %i places half away from zero", (text, places, units) => {
    expect(round(read(text), places)).toEqual({ units, places });
  });

  it("subtracts across different places", () => {
    expect(subtract(read("0.3"), read("0.12"))).toEqual({ units: 18n, places: 2 });
  });

  it("shifts the point in either room", () => {
    expect(shift(read("0.0312"), 2)).toEqual({ units: 312n, places: 2 });
    expect(shift(read("3"), 2)).toEqual({ units: 300n, places: 0 });
  });

  it("divides with the wanted places and not by zero", () => {
    expect(divide(read("2"), read("3"), 4)).toEqual({ units: 6667n, places: 4 });
    expect(divide(read("-1.50"), read("0.5"), 2)).toEqual({ units: -300n, places: 2 });
    expect(divide(read("1"), read("0.00"), 2)).toBeNull();
  });

  it("tells the sign, zero in any spelling", () => {
    expect([sign("-0.01"), sign("-0.00"), sign("5"), sign(null), sign("x")]).toEqual([
      -1, 0, 1, 0, 0,
    ]);
  });
});

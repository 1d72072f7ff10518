import { expect, test } from "vitest";
import { oddities } from "./system";

const NOTHING = {
  offTick: 0,
  contradictions: 0,
  duplicates: 0,
  missing: 0,
  jumps: 0,
  outOfOrder: 0,
  sequenceGaps: 0,
  belowLot: 0,
  unsynchronised: 0,
};

test("what was odd about the data is told kind by kind, and nothing else", () => {
  expect(oddities(NOTHING)).toBe("nothing odd");
  const odd = { ...NOTHING, outOfOrder: 5, offTick: 1200 };
  expect(oddities(odd)).toBe("5 out of order, 1,200 off the tick");
});

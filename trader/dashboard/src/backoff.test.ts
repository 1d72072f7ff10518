import { describe, expect, it } from "vitest";
import { backoffMillis } from "./backoff";

describe("backoff", () => {
  it("doubles from one second to half a minute", () => {
    const delays = [1, 2, 3, 4, 5, 6, 7, 500].map((attempt) => backoffMillis(attempt, 0));
    expect(delays).toEqual([1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
  });

  it("is cut by up to half, so that pages do not return all at once", () => {
    expect(backoffMillis(3, 0.5)).toBe(3000);
    expect(backoffMillis(3, 0.999999)).toBeGreaterThanOrEqual(2000);
  });

  it("never comes back earlier than the trader asked", () => {
    expect(backoffMillis(1, 0.9, 5000)).toBe(5000);
    expect(backoffMillis(6, 0, 5000)).toBe(30000);
  });
});

/**
 * Exact arithmetic on the contract's decimal strings, as scaled integers.
 *
 * Money never becomes a float on its way to the screen; only charts draw with floats.
 */

export interface Scaled {
  /** The value times 10^places. */
  units: bigint;
  places: number;
}

const PATTERN = /^([+-]?)(\d+)(?:\.(\d+))?$/;

/** Reads a plain decimal; null for anything else, an exponent included. */
export function parse(text: string): Scaled | null {
  const match = PATTERN.exec(text.trim());
  if (!match) return null;
  const [, sign, whole = "", fraction = ""] = match;
  const units = BigInt(whole + fraction);
  return { units: sign === "-" ? -units : units, places: fraction.length };
}

/** Changes the number of places, rounding half away from zero where digits are lost. */
export function round(value: Scaled, places: number): Scaled {
  if (places >= value.places) {
    return { units: value.units * 10n ** BigInt(places - value.places), places };
  }
  const divisor = 10n ** BigInt(value.places - places);
  const magnitude = value.units < 0n ? -value.units : value.units;
  const rounded = (magnitude + divisor / 2n) / divisor;
  return { units: value.units < 0n ? -rounded : rounded, places };
}

export function subtract(a: Scaled, b: Scaled): Scaled {
  const places = Math.max(a.places, b.places);
  return { units: round(a, places).units - round(b, places).units, places };
}

/** Multiplies by 10^by without touching a digit: a ratio becomes a percentage with `by` = 2. */
export function shift(value: Scaled, by: number): Scaled {
  if (by <= value.places) return { units: value.units, places: value.places - by };
  return { units: value.units * 10n ** BigInt(by - value.places), places: 0 };
}

/** The sign as -1, 0 or 1; 0 for text that is no decimal. */
export function sign(text: string | null | undefined): -1 | 0 | 1 {
  const value = text ? parse(text) : null;
  if (!value || value.units === 0n) return 0;
  return value.units < 0n ? -1 : 1;
}

/** a / b with `places` digits, rounded half away from zero; null when b is zero. */
export function divide(a: Scaled, b: Scaled, places: number): Scaled | null {
  if (b.units === 0n) return null;
  const scale = places + 1 + b.places - a.places;
  const numerator = scale >= 0 ? a.units * 10n ** BigInt(scale) : a.units / 10n ** BigInt(-scale);
  return round({ units: numerator / b.units, places: places + 1 }, places);
}

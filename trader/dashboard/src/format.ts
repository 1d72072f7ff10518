/**
 * How figures and times read on the page, one function a kind: money, ratios, multiples, counts,
 * prices, quantities, times. They take the contract's own strings.
 */

import { divide, parse, round, type Scaled, shift, subtract } from "./decimal";

/** Shown where there is no value. */
export const NONE = "–";
const MINUS = "\u2212";
const THIN_SPACE = "\u202f";

interface Style {
  /** Exactly this many places; without it, as many as the text has. */
  places?: number;
  /** Show a plus before what is above zero. */
  signed?: boolean;
}

function write(value: Scaled, style: Style): string {
  const exact = style.places === undefined ? value : round(value, style.places);
  const digits = (exact.units < 0n ? -exact.units : exact.units)
    .toString()
    .padStart(exact.places + 1, "0");
  const whole = digits.slice(0, digits.length - exact.places);
  const fraction = exact.places > 0 ? `.${digits.slice(-exact.places)}` : "";
  const sign = exact.units < 0n ? MINUS : style.signed && exact.units > 0n ? "+" : "";
  return sign + whole.replace(/\B(?=(\d{3})+$)/g, ",") + fraction;
}

function format(text: string | null | undefined, style: Style, shiftBy = 0): string {
  if (text === null || text === undefined || text === "") return NONE;
  const value = parse(text);
  return value ? write(shift(value, shiftBy), style) : text;
}

/** An amount of quote currency to the cent. */
export function money(text: string | null | undefined, signed = false): string {
  return format(text, { places: 2, signed });
}

/** A figure with the places it came with, for what has no unit that says how many. */
export function exact(text: string | null | undefined): string {
  return format(text, {});
}

/** A price to the places of its tick; without one, with those it came with. */
export function price(text: string | null | undefined, tick?: string): string {
  return format(text, stepStyle(tick));
}

/** A quantity to the places of its lot; none is "0". */
export function quantity(text: string | null | undefined, lot?: string): string {
  return text && parse(text)?.units === 0n ? "0" : format(text, stepStyle(lot));
}

/** The places of a step: those of "0.050" are two. */
function stepStyle(step: string | undefined): Style {
  if (!step || !parse(step)) return {};
  return { places: (step.split(".")[1] ?? "").replace(/0+$/, "").length };
}

/** A multiple of equity: "0.45353289" reads "0.45×". */
export function multiple(text: string | null | undefined): string {
  const written = format(text, { places: 2 });
  return written === NONE ? NONE : `${written}×`;
}

/** A ratio as a percentage: "0.0312" reads "3.12 %". */
export function percent(text: string | null | undefined, places = 2, signed = false): string {
  const written = format(text, { places, signed }, 2);
  return written === NONE ? NONE : `${written}${THIN_SPACE}%`;
}

/** A score with three places. */
export function score(text: string | null | undefined): string {
  return format(text, { places: 3 });
}

/** Something of a rule's, whose unit is not told: four places at most. */
export function brief(text: string): string {
  const value = parse(text);
  return value && value.places > 4 ? write(round(value, 4), {}) : exact(text);
}

/** a − b, exact; null unless both are decimals. */
export function difference(a: string, b: string): string | null {
  const [left, right] = [parse(a), parse(b)];
  return left && right ? plain(subtract(left, right)) : null;
}

/** (a − b) / b as a ratio with six places; null where there is none. */
export function change(a: string, b: string): string | null {
  const [left, right] = [parse(a), parse(b)];
  const ratio = left && right ? divide(subtract(left, right), right, 6) : null;
  return ratio && plain(ratio);
}

function plain(value: Scaled): string {
  return write(value, {}).replaceAll(",", "").replace(MINUS, "-");
}

/** A limit's value in its unit: ratios as percentages, counts whole, amounts to the cent. */
export function inUnit(text: string, unit: string): string {
  switch (unit) {
    case "ratio":
      return percent(text);
    case "x":
      return multiple(text);
    case "count":
      return format(text, { places: 0 });
    case "quote":
      return money(text);
    default:
      return `${exact(text)} ${unit}`;
  }
}

/** Names of fields and enum values as words: "maxDrawdown" and "MaxDrawdown" read "Max drawdown". */
export function words(name: string): string {
  const spaced = name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replace(/[_-]+/g, " ");
  const lower = spaced
    .toLowerCase()
    .replace(/\bpnl\b/g, "P&L")
    .trim();
  return lower.charAt(0).toUpperCase() + lower.slice(1);
}

const pad = (n: number, width = 2): string => String(n).padStart(width, "0");

/** An event time in UTC to the minute, with seconds only where they say something. */
export function time(text: string | null | undefined): string {
  const at = text ? new Date(text) : null;
  if (!at || Number.isNaN(at.getTime())) return text || NONE;
  const day = `${at.getUTCFullYear()}-${pad(at.getUTCMonth() + 1)}-${pad(at.getUTCDate())}`;
  const seconds = at.getUTCSeconds() ? `:${pad(at.getUTCSeconds())}` : "";
  return `${day} ${pad(at.getUTCHours())}:${pad(at.getUTCMinutes())}${seconds}`;
}

/** An event time without its year, where the row beside it has the room for no more. */
export function shortTime(text: string | null | undefined): string {
  const written = time(text);
  return /^\d{4}-/.test(written) ? written.slice(5) : written;
}

/** A moment on the reader's own clock, for what happened to this page or its connection. */
export function clock(at: Date): string {
  return `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
}

/** A span of wall time: "850 ms", "12 s", "3 min 5 s", "2 h 10 min". */
export function duration(millis: number): string {
  if (millis < 1000) return `${Math.max(0, Math.round(millis))} ms`;
  const seconds = Math.round(millis / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
}

/** Enough of a hash to compare by eye. */
export function shortHash(hash: string): string {
  return hash.replace(/^sha256:/, "").slice(0, 12);
}

export function count(n: number): string {
  return format(String(Math.round(n)), {});
}

/** How figures and times read on the page. Every function takes the contract's own strings. */

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

/** A price or quantity with the places it came with: they say the tick or lot. */
export function exact(text: string | null | undefined): string {
  return format(text, {});
}

/** A ratio as a percentage: "0.0312" reads "3.12 %". */
export function percent(text: string | null | undefined, places = 2, signed = false): string {
  const written = format(text, { places, signed }, 2);
  return written === NONE ? NONE : `${written}${THIN_SPACE}%`;
}

/** A score or weight with two or three places. */
export function score(text: string | null | undefined, places = 3): string {
  return format(text, { places });
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

/** A limit's value in its unit: ratios as percentages, counts plain. */
export function inUnit(text: string, unit: string): string {
  if (unit === "ratio" || unit === "fraction") return percent(text);
  const number = exact(text);
  if (unit === "" || unit === "count") return number;
  if (unit === "x" || unit === "times") return `${number}×`;
  return `${number} ${unit}`;
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

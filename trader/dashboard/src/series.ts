/** Bounded series for the charts and lists: a page left open for a week stays as light as a new one. */

import type { Bar, EquityPoint, Fill, Round } from "./contract";

/** Points kept of the equity curve. Beyond it, neighbours are merged in pairs. */
const MOST_POINTS = 2_000;
/** Bars kept of one symbol; trimmed by a third at once, so that charts seldom redraw in full. */
const MOST_BARS = 1_500;
const MOST_FILLS = 500;
/** Rounds kept: the newest of any kind, and further back those that led to a decision. */
const MOST_ROUNDS = 40;
const MOST_DECIDED_ROUNDS = 40;

const at = (item: { t: string }): number => Date.parse(item.t);

/** Adds the newest point of the equity curve; an older or equal time replaces nothing but the last. */
export function appendPoint(history: EquityPoint[], point: EquityPoint): EquityPoint[] {
  const last = history.at(-1);
  if (last && at(point) < at(last)) return history;
  if (last && at(point) === at(last)) return [...history.slice(0, -1), point];
  const grown = [...history, point];
  return grown.length > MOST_POINTS ? thin(grown) : grown;
}

/** Halves a curve: keeps both ends, and of each pair between them the deeper drawdown. */
export function thin(history: EquityPoint[]): EquityPoint[] {
  const kept = history.slice(0, 1);
  for (let i = 1; i + 1 < history.length; i += 2) {
    const [a, b] = [history[i], history[i + 1]];
    if (a && b) kept.push(Number(a.drawdown) > Number(b.drawdown) ? a : b);
  }
  const last = history.at(-1);
  if (last && kept.at(-1) !== last) kept.push(last);
  return kept;
}

/** Merges bars in time order; a newer word on a bar that is there already replaces it. */
export function mergeBars(held: Bar[], news: Bar[]): Bar[] {
  const [last, first] = [held.at(-1), news[0]];
  if (!first) return held;
  let bars: Bar[];
  if (!last || at(first) > at(last)) bars = [...held, ...news];
  else {
    const byTime = new Map([...held, ...news].map((bar) => [at(bar), bar]));
    bars = [...byTime.entries()].sort(([a], [b]) => a - b).map(([, bar]) => bar);
  }
  return bars.length > MOST_BARS ? bars.slice(-(MOST_BARS * 2) / 3) : bars;
}

/** "1h" as milliseconds; infinite for what is not understood. */
export function intervalMillis(interval: string): number {
  const match = /^(\d+)([smhd])$/.exec(interval);
  if (!match) return Number.POSITIVE_INFINITY;
  const unit = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] ?? ""] ?? Number.NaN;
  return Number(match[1]) * unit;
}

/**
 * The index of the bar that a moment belongs to: the last that began no later. Null before the
 * first, and after the end of the last, whose next bar has not closed yet.
 */
export function barOf(bars: Bar[], time: string, interval: number): number | null {
  const moment = Date.parse(time);
  let [low, high] = [0, bars.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const bar = bars[middle];
    if (bar && at(bar) <= moment) low = middle + 1;
    else high = middle;
  }
  const bar = bars[low - 1];
  if (!bar) return null;
  return low === bars.length && moment >= at(bar) + interval ? null : low - 1;
}

const fillKey = (f: Fill): string => [f.orderId, f.t, f.price, f.quantity].join("|");

/** Adds fills that are not held yet: the first load and the stream may both bring one. */
export function mergeFills(held: Fill[], news: Fill[]): Fill[] {
  const known = new Set(held.slice(-MOST_FILLS).map(fillKey));
  const added = news.filter((fill) => !known.has(fillKey(fill)));
  if (added.length === 0) return held;
  return [...held, ...added].sort((a, b) => at(a) - at(b)).slice(-MOST_FILLS);
}

/** Merges rounds by id, newest first; a round that is there already is replaced. */
export function mergeRounds(held: Round[], news: Round[]): Round[] {
  const ids = new Set(news.map((round) => round.id));
  const merged = [...news, ...held.filter((round) => !ids.has(round.id))].sort(
    (a, b) => Date.parse(b.closedAt) - Date.parse(a.closedAt),
  );
  const older = merged.slice(MOST_ROUNDS).filter((round) => round.decision !== null);
  return [...merged.slice(0, MOST_ROUNDS), ...older.slice(0, MOST_DECIDED_ROUNDS)];
}

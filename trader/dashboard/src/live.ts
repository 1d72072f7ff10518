/**
 * Keeps the store in step with the trader: load everything, then follow the stream; when the
 * stream breaks, say since when the page is stale, and begin again after a growing delay.
 */

import { ApiError, authorization, errorOf, get } from "./api";
import { backoffMillis } from "./backoff";
import type { Market, MarketUpdate, Portfolio, PortfolioUpdate } from "./contract";
import { token } from "./session";
import { EventParser, type ServerEvent } from "./sse";
import { type Action, type Bodies, type State, shownSymbol, type Update } from "./state";

/** The trader sends a comment every 10 s; two missed and some grace mean nobody is there. */
const SILENCE_MILLIS = 25_000;
/** How often gaps in bars are closed: a page without a token has 60 requests a minute. */
const GAP_LOAD_MILLIS = { withToken: 1_000, withoutToken: 5_000 };
const HEALTH_MILLIS = 10_000;
const EQUITY_POINTS = 500;
const BARS = 500;

const LOADED: Record<keyof Bodies, string> = {
  status: "/api/system-status",
  positions: "/api/positions",
  orders: "/api/orders?state=all&limit=100",
  agents: "/api/agents",
  decisions: "/api/decisions?limit=50",
  risk: "/api/risk",
};

export interface Store {
  getState(): State;
  dispatch(action: Action): void;
}

/** Follows the trader until `cancel` aborts. Never rejects. */
export async function follow(store: Store, cancel: AbortSignal): Promise<void> {
  const started = new Date();
  let lastHeard: Date | null = null;
  let attempt = 0;
  while (!cancel.aborted) {
    let cause = "the trader ended the stream";
    let retryAfterMillis = 0;
    try {
      await session(store, cancel, () => {
        lastHeard = new Date();
        attempt = 0;
      });
    } catch (error) {
      cause = causeOf(error);
      if (error instanceof ApiError) retryAfterMillis = error.retryAfterMillis;
    }
    if (cancel.aborted) return;
    attempt += 1;
    const wait = backoffMillis(attempt, Math.random(), retryAfterMillis);
    const retryAt = new Date(Date.now() + wait);
    store.dispatch({ type: "Lost", since: lastHeard ?? started, retryAt, cause });
    await sleep(wait, cancel);
  }
}

/** One connection, from the first load to its end. */
async function session(store: Store, cancel: AbortSignal, heard: () => void): Promise<void> {
  const end = new AbortController();
  const signal = AbortSignal.any([cancel, end.signal]);
  let silence = setTimeout(() => end.abort(new Silence()), SILENCE_MILLIS);
  try {
    const response = await fetch("/api/stream", {
      headers: { accept: "text/event-stream", ...authorization() },
      cache: "no-store",
      signal,
    });
    if (!response.ok || !response.body) throw await errorOf(response);

    // Events that arrive during the load are newer than what it reads, so they wait for it.
    let waiting: ServerEvent[] | null = [];
    const loaded = load(store, signal).then(() => {
      for (const event of waiting ?? []) apply(store, event);
      waiting = null;
      store.dispatch({ type: "Connected" });
      heard();
    });
    loaded.catch((error) => end.abort(error));
    const gapLoadMillis = token() ? GAP_LOAD_MILLIS.withToken : GAP_LOAD_MILLIS.withoutToken;
    const chores = [
      setInterval(() => void closeGap(store, signal), gapLoadMillis),
      setInterval(() => void loadHealth(store, signal), HEALTH_MILLIS),
    ];
    try {
      const parser = new EventParser();
      const text = new TextDecoder();
      const reader = response.body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        clearTimeout(silence);
        silence = setTimeout(() => end.abort(new Silence()), SILENCE_MILLIS);
        for (const event of parser.push(text.decode(value, { stream: true }))) {
          if (waiting) waiting.push(event);
          else apply(store, event);
        }
        if (!waiting) heard();
      }
    } finally {
      for (const chore of chores) clearInterval(chore);
    }
  } finally {
    clearTimeout(silence);
    end.abort();
  }
}

async function load(store: Store, signal: AbortSignal): Promise<void> {
  const loadPart = async (part: keyof Bodies) => {
    const body = await get<Bodies[typeof part]>(LOADED[part], signal);
    store.dispatch({ type: "Updated", part, body } as Action);
  };
  // First the status: it clears the store when it names another run.
  await loadPart("status");
  const symbol = shownSymbol(store.getState());
  const portfolio = get<Portfolio>(`/api/portfolio?points=${EQUITY_POINTS}`, signal);
  const others = (Object.keys(LOADED) as (keyof Bodies)[]).filter((part) => part !== "status");
  await Promise.all([
    portfolio.then((body) => store.dispatch({ type: "PortfolioLoaded", body })),
    symbol ? loadMarket(store, symbol, signal) : undefined,
    loadHealth(store, signal),
    ...others.map(loadPart),
  ]);
}

/** Loads one symbol's bars, fills and stops; the stream keeps them up to date from then on. */
export async function loadMarket(
  store: Store,
  symbol: string,
  signal?: AbortSignal,
): Promise<void> {
  const query = new URLSearchParams({ symbol, points: String(BARS) });
  const body = await get<Market>(`/api/market?${query}`, signal);
  store.dispatch({ type: "MarketLoaded", body });
}

async function closeGap(store: Store, signal: AbortSignal): Promise<void> {
  const state = store.getState();
  const symbol = shownSymbol(state);
  if (!symbol || !state.gaps.includes(symbol)) return;
  // Failing leaves the gap for the next turn, and the stream says whether the trader is there.
  await loadMarket(store, symbol, signal).catch(() => undefined);
}

async function loadHealth(store: Store, signal: AbortSignal): Promise<void> {
  try {
    store.dispatch({ type: "HealthLoaded", body: await get("/api/health-metrics", signal) });
  } catch {
    // Health is a report beside the data: without it the page is still right.
  }
}

/** Puts one event into the store. An event of an unknown name is a newer trader's: ignored. */
export function apply(store: Store, { event, data }: ServerEvent): void {
  const body: unknown = JSON.parse(data);
  if (event === "portfolio") {
    store.dispatch({ type: "PortfolioUpdated", body: body as PortfolioUpdate });
  } else if (event === "market") {
    store.dispatch({ type: "MarketUpdated", body: body as MarketUpdate });
  } else if (event in LOADED) {
    store.dispatch({ type: "Updated", ...({ part: event, body } as Update) });
  }
}

class Silence extends Error {
  override message = `nothing was heard for ${SILENCE_MILLIS / 1000} s`;
}

function causeOf(error: unknown): string {
  if (error instanceof ApiError || error instanceof Silence) return error.message;
  if (error instanceof SyntaxError) return "the trader sent something that is not JSON";
  return "the trader cannot be reached";
}

function sleep(millis: number, cancel: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, millis);
    cancel.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/**
 * Keeps the store in step with the trader. One stream tells everything, beginning with what charts
 * and lists need, so that what is shown is of one piece and costs one request. When it breaks, say
 * since when the page is stale, and begin again after a growing delay, or after the trader's own.
 */

import { ApiError, authorization, errorOf, get, inWords } from "./api";
import { backoffMillis } from "./backoff";
import type { Market, MarketUpdate, PortfolioUpdate } from "./contract";
import { EventParser, type ServerEvent } from "./sse";
import { type Action, type Bodies, type State, shownSymbol, type Update } from "./state";

/** The trader sends a comment every 10 s; two missed and some grace mean nobody is there. */
const SILENCE_MILLIS = 25_000;
/**
 * How long events are gathered before they are shown: the trader looks at the desk five times a
 * second and tells a look's events one after the other, and what is shown is to be of one look.
 */
const GATHER_MILLIS = 40;
const STREAM = "/api/stream?history=true";
/** Bars loaded of a symbol that the reader chooses. */
const BARS = 500;

const PARTS: Record<keyof Bodies, true> = {
  status: true,
  health: true,
  positions: true,
  orders: true,
  agents: true,
  decisions: true,
  risk: true,
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

/** One stream, from its beginning to its end. */
async function session(store: Store, cancel: AbortSignal, heard: () => void): Promise<void> {
  const end = new AbortController();
  const signal = AbortSignal.any([cancel, end.signal]);
  const gathered: ServerEvent[] = [];
  let showing: ReturnType<typeof setTimeout> | undefined;
  let silence = setTimeout(() => end.abort(new Silence()), SILENCE_MILLIS);
  try {
    const response = await fetch(STREAM, {
      headers: { accept: "text/event-stream", ...authorization() },
      cache: "no-store",
      signal,
    });
    if (!response.ok || !response.body) throw await errorOf(response);
    const parser = new EventParser();
    const text = new TextDecoder();
    const reader = response.body.getReader();
    let [began, connected] = [false, false];
    const show = () => {
      for (const event of gathered.splice(0)) {
        if (!began) store.dispatch({ type: "Began" });
        began = true;
        apply(store, event);
        if (event.event !== "status" || connected) continue;
        connected = true;
        store.dispatch({ type: "Connected" });
        heard();
        void loadChosen(store, signal);
      }
    };
    const showOrEnd = () => {
      try {
        show();
      } catch (error) {
        end.abort(error);
      }
    };
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      clearTimeout(silence);
      silence = setTimeout(() => end.abort(new Silence()), SILENCE_MILLIS);
      if (connected) heard();
      const events = parser.push(text.decode(value, { stream: true }));
      const first = gathered.length === 0;
      gathered.push(...events);
      if (unseen()) show();
      else if (first && events.length > 0) showing = setTimeout(showOrEnd, GATHER_MILLIS);
    }
    show();
  } finally {
    clearTimeout(silence);
    clearTimeout(showing);
    end.abort();
  }
}

/** In a hidden tab browsers let timers wait for up to a minute, and its title tells a halt. */
function unseen(): boolean {
  return globalThis.document?.visibilityState === "hidden";
}

/** The stream begins with the first symbol's history; the reader may have chosen another one. */
async function loadChosen(store: Store, signal: AbortSignal): Promise<void> {
  const state = store.getState();
  const symbol = shownSymbol(state);
  if (!symbol || symbol === state.status?.symbols[0]?.symbol) return;
  // Without it the chart begins with the stream's own bars: shorter, and right.
  await loadMarket(store, symbol, signal).catch(() => undefined);
}

/** Loads one symbol's bars and fills from before the stream, which keeps them up to date. */
export async function loadMarket(
  store: Store,
  symbol: string,
  signal?: AbortSignal,
): Promise<void> {
  const query = new URLSearchParams({ symbol, points: String(BARS) });
  const body = await get<Market>(`/api/market?${query}`, signal);
  store.dispatch({ type: "MarketLoaded", body });
}

/** Puts one event into the store. An event of an unknown name is a newer trader's: ignored. */
export function apply(store: Store, { event, data }: ServerEvent): void {
  const body: unknown = JSON.parse(data);
  if (event === "portfolio") {
    store.dispatch({ type: "PortfolioUpdated", body: body as PortfolioUpdate });
  } else if (event === "market") {
    store.dispatch({ type: "MarketUpdated", body: body as MarketUpdate });
  } else if (event in PARTS) {
    store.dispatch({ type: "Updated", ...({ part: event, body } as Update) });
  }
}

class Silence extends Error {
  override message = `nothing was heard for ${SILENCE_MILLIS / 1000} s`;
}

function causeOf(error: unknown): string {
  if (error instanceof ApiError) return inWords(error);
  if (error instanceof Silence) return error.message;
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

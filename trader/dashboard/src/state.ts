/** What the page knows, and how each answer and event changes it. Pure. */

import type {
  Agent,
  Health,
  Market,
  MarketUpdate,
  Order,
  Portfolio,
  PortfolioUpdate,
  Position,
  Risk,
  Round,
  Status,
} from "./contract";
import {
  appendPoint,
  intervalMillis,
  mergeBars,
  mergeFills,
  mergeRounds,
  skipsBars,
} from "./series";

export type Connection =
  | { kind: "Connecting" }
  | { kind: "Live" }
  /** What is shown was last true at `since`; the next attempt starts at `retryAt`. */
  | { kind: "Stale"; since: Date; retryAt: Date; cause: string };

export interface State {
  connection: Connection;
  status: Status | null;
  portfolio: Portfolio | null;
  positions: Position[] | null;
  orders: Order[] | null;
  agents: Agent[] | null;
  rounds: Round[] | null;
  risk: Risk | null;
  health: Health | null;
  markets: Readonly<Record<string, Market>>;
  /** Symbols whose bars have a gap that only a new load closes. */
  gaps: readonly string[];
  /** The symbol that the reader chose; null means the first. */
  chosenSymbol: string | null;
}

export const initialState: State = {
  connection: { kind: "Connecting" },
  status: null,
  portfolio: null,
  positions: null,
  orders: null,
  agents: null,
  rounds: null,
  risk: null,
  health: null,
  markets: {},
  gaps: [],
  chosenSymbol: null,
};

/** Bodies of the endpoints that are loaded and streamed, by the stream's event name. */
export interface Bodies {
  status: Status;
  positions: { positions: Position[] };
  orders: { orders: Order[] };
  agents: { agents: Agent[] };
  decisions: { rounds: Round[] };
  risk: Risk;
}

export type Update = { [K in keyof Bodies]: { part: K; body: Bodies[K] } }[keyof Bodies];

export type Action =
  | { type: "Connected" }
  | { type: "Lost"; since: Date; retryAt: Date; cause: string }
  | ({ type: "Updated" } & Update)
  | { type: "PortfolioLoaded"; body: Portfolio }
  | { type: "PortfolioUpdated"; body: PortfolioUpdate }
  | { type: "MarketLoaded"; body: Market }
  | { type: "MarketUpdated"; body: MarketUpdate }
  | { type: "HealthLoaded"; body: Health }
  | { type: "SymbolChosen"; symbol: string };

export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case "Connected":
      return { ...state, connection: { kind: "Live" } };
    case "Lost": {
      const { since, retryAt, cause } = action;
      return { ...state, connection: { kind: "Stale", since, retryAt, cause } };
    }
    case "Updated":
      return update(state, action);
    case "PortfolioLoaded":
      return { ...state, portfolio: action.body };
    case "PortfolioUpdated": {
      const { point, ...body } = action.body;
      const held = state.portfolio?.history ?? [];
      return { ...state, portfolio: { ...body, history: point ? appendPoint(held, point) : held } };
    }
    case "MarketLoaded": {
      const { body } = action;
      const held = state.markets[body.symbol];
      const market = { ...body, fills: mergeFills(held?.fills ?? [], body.fills) };
      return {
        ...state,
        markets: { ...state.markets, [body.symbol]: market },
        gaps: state.gaps.filter((symbol) => symbol !== body.symbol),
      };
    }
    case "MarketUpdated":
      return updateMarket(state, action.body);
    case "HealthLoaded":
      return { ...state, health: action.body };
    case "SymbolChosen":
      return { ...state, chosenSymbol: action.symbol };
  }
}

function update(state: State, { part, body }: Update): State {
  switch (part) {
    case "status": {
      // Another run has other rounds, fills and curves: nothing of the last one may stay.
      const restarted = state.status !== null && state.status.runId !== body.runId;
      const kept = restarted ? { ...initialState, connection: state.connection } : state;
      return { ...kept, status: body };
    }
    case "positions":
      return { ...state, positions: body.positions };
    case "orders":
      return { ...state, orders: body.orders };
    case "agents":
      return { ...state, agents: body.agents };
    case "decisions":
      return { ...state, rounds: mergeRounds(state.rounds ?? [], body.rounds) };
    case "risk":
      return { ...state, risk: body };
  }
}

/** Updates of a symbol that was never loaded are dropped: its load brings the same and more. */
function updateMarket(state: State, news: MarketUpdate): State {
  const held = state.markets[news.symbol];
  if (!held) return state;
  const bars = news.bars ?? (news.bar ? [news.bar] : []);
  const first = bars[0];
  // Bars after a gap wait for a new load: side by side they would draw a price that never was.
  const gap = first && skipsBars(held.bars.at(-1), first, intervalMillis(held.barInterval));
  const known = state.gaps.includes(news.symbol);
  return {
    ...state,
    markets: {
      ...state.markets,
      [news.symbol]: {
        ...held,
        bars: gap ? held.bars : mergeBars(held.bars, bars),
        fills: mergeFills(held.fills, news.fills),
        stops: news.stops,
      },
    },
    gaps: gap && !known ? [...state.gaps, news.symbol] : state.gaps,
  };
}

export function shownSymbol(state: State): string | null {
  const symbols = state.status?.symbols ?? [];
  const chosen = symbols.find((s) => s.symbol === state.chosenSymbol);
  return (chosen ?? symbols[0])?.symbol ?? null;
}

const OPEN_STATES: readonly string[] = [
  "Created",
  "Approved",
  "Submitted",
  "Accepted",
  "PartiallyFilled",
  // An unknown order may live at the venue: it is open until proven otherwise.
  "Unknown",
];

export function isOpen(order: Order): boolean {
  return OPEN_STATES.includes(order.state);
}

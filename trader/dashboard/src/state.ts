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
import { appendPoint, mergeBars, mergeFills, mergeRounds } from "./series";

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
  chosenSymbol: null,
};

/** Bodies of the stream's events that replace a part of the state, by their names. */
export interface Bodies {
  status: Status;
  health: Health;
  positions: { positions: Position[] };
  orders: { orders: Order[] };
  agents: { agents: Agent[] };
  decisions: { rounds: Round[] };
  risk: Risk;
}

export type Update = { [K in keyof Bodies]: { part: K; body: Bodies[K] } }[keyof Bodies];

export type Action =
  /** A stream begins to tell: what it tells replaces the charts, so that they have no gap. */
  | { type: "Began" }
  | { type: "Connected" }
  | { type: "Lost"; since: Date; retryAt: Date; cause: string }
  | ({ type: "Updated" } & Update)
  | { type: "PortfolioUpdated"; body: PortfolioUpdate }
  | { type: "MarketLoaded"; body: Market }
  | { type: "MarketUpdated"; body: MarketUpdate }
  | { type: "SymbolChosen"; symbol: string };

export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case "Began":
      return { ...state, markets: {} };
    case "Connected":
      return { ...state, connection: { kind: "Live" } };
    case "Lost": {
      const { since, retryAt, cause } = action;
      return { ...state, connection: { kind: "Stale", since, retryAt, cause } };
    }
    case "Updated":
      return update(state, action);
    case "PortfolioUpdated": {
      const { point, history, ...body } = action.body;
      const held = history ?? state.portfolio?.history ?? [];
      return { ...state, portfolio: { ...body, history: point ? appendPoint(held, point) : held } };
    }
    case "MarketLoaded": {
      // Older bars than the stream's, under which they go: no answer undoes a newer event.
      const { body } = action;
      const held = state.markets[body.symbol];
      const market = {
        ...body,
        bars: mergeBars(body.bars, held?.bars ?? []),
        fills: mergeFills(body.fills, held?.fills ?? []),
        stops: held?.stops ?? body.stops,
      };
      return { ...state, markets: { ...state.markets, [body.symbol]: market } };
    }
    case "MarketUpdated":
      return updateMarket(state, action.body);
    case "SymbolChosen":
      return { ...state, chosenSymbol: action.symbol };
  }
}

function update(state: State, { part, body }: Update): State {
  switch (part) {
    case "status": {
      // Another run has other rounds, fills and curves: nothing of the last one may stay. The
      // markets are of this stream already, which tells them first.
      const restarted = state.status !== null && state.status.runId !== body.runId;
      const { connection, markets } = state;
      const kept = restarted ? { ...initialState, connection, markets } : state;
      return { ...kept, status: body };
    }
    case "health":
      return { ...state, health: body };
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

function updateMarket(state: State, { symbol, bars, fills, stops }: MarketUpdate): State {
  const held = state.markets[symbol] ?? { symbol, bars: [], fills: [] };
  const market = {
    symbol,
    bars: mergeBars(held.bars, bars),
    fills: mergeFills(held.fills, fills),
    stops,
  };
  return { ...state, markets: { ...state.markets, [symbol]: market } };
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

/** Whether a person can lift what restrains the desk: what the policy sets, only its file does. */
export function canResume({ tradingStateReasons }: Status): boolean {
  return tradingStateReasons.some(({ source }) => source !== "Policy");
}

/** Why no command is taken any more, in a sentence; null while the trader takes them. */
export function commandsOff(state: State): string | null {
  switch (state.status?.phase) {
    case "Finished":
      return "The run is over: it takes no commands. Start the desk again to trade.";
    case "Stopping":
      return "The desk is leaving: it takes no commands.";
    case "Failed":
      return "The run has failed: it takes no commands. Start the desk again.";
    default:
      return null;
  }
}

/** The smallest steps of a symbol's price and quantity, which say to how many places they read. */
export function stepsOf(
  status: Status | null,
  symbol: string | null,
): { tick: string | undefined; lot: string | undefined } {
  const found = status?.symbols.find((s) => s.symbol === symbol);
  return { tick: found?.tickSize, lot: found?.lotSize };
}

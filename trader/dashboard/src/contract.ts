/**
 * The trader's HTTP contract, as `/api/openapi.json` describes it.
 *
 * Amounts, prices, quantities and ratios are decimal strings and stay so until they are drawn;
 * times are RFC 3339 in event time, except those named `…WallTime`.
 */

export type Decimal = string;
export type Time = string;

export type TradingState = "Active" | "Reducing" | "Halted";
export type Phase = "Starting" | "Running" | "Finished" | "Stopping" | "Failed";
export type Side = "Buy" | "Sell";
export type Direction = "Long" | "Short" | "Flat";

export interface StateReason {
  source: "Policy" | "Command" | "Engine";
  state: TradingState;
  reason: string;
  since: Time | null;
}

export interface SymbolStatus {
  symbol: string;
  /** The smallest steps of its price and quantity. */
  tickSize: Decimal;
  lotSize: Decimal;
  feed: "Live" | "Broken" | "Ended" | "Waiting";
  lastPrice: Decimal | null;
  change24h: Decimal | null;
  volume24h: Decimal | null;
  lastEventTime: Time | null;
  lastError: string | null;
  paused: boolean;
}

/** The run's summary, as the trader prints it (`text`) and row by row, written for people. */
export interface Report {
  text: string;
  headline: string;
  sections: { title: string; wide: boolean; facts: { name: string; value: string }[] }[];
}

export interface Status {
  system: string;
  version: string;
  runId: string;
  mode: string;
  venue: string;
  phase: Phase;
  tradingState: TradingState;
  tradingStateReasons: StateReason[];
  eventTime: Time | null;
  startedWallTime: Time;
  progress: { done: number; total: number; fraction: Decimal } | null;
  barInterval: string;
  symbols: SymbolStatus[];
  storage: string;
  bus: string;
  notes: string[];
  journal: { sequence: number; hash: string };
  report: Report | null;
}

export interface Health {
  uptimeSeconds: number;
  eventsTotal: number;
  eventsPerSecond: number;
  journal: { commits: number; lastCommitMicros: number; p99CommitMicros: number };
  lastError: { at: Time; where: string; message: string } | null;
  feedErrors: number;
  dataQuality: {
    offTick: number;
    contradictions: number;
    duplicates: number;
    missing: number;
    jumps: number;
    outOfOrder: number;
    sequenceGaps: number;
    belowLot: number;
    unsynchronised: number;
  };
}

export interface EquityPoint {
  t: Time;
  equity: Decimal;
  drawdown: Decimal;
  buyAndHold: Decimal;
}

export interface Portfolio {
  equity: Decimal;
  walletBalance: Decimal;
  cash: Decimal;
  realizedPnl: Decimal;
  unrealizedPnl: Decimal;
  fees: Decimal;
  funding: Decimal;
  initialBalance: Decimal;
  highWaterMark: Decimal;
  drawdown: Decimal;
  dailyLoss: Decimal;
  drawdownState: "Normal" | "Caution" | "Reducing" | "Halted";
  buyAndHold: Decimal;
  asOf: Time | null;
  verified: boolean;
  history: EquityPoint[];
}

/** The stream's portfolio carries the newest point, the first one the whole history. */
export type PortfolioUpdate = Omit<Portfolio, "history"> & {
  point?: EquityPoint | null;
  history?: EquityPoint[];
};

export interface Bar {
  t: Time;
  open: Decimal;
  high: Decimal;
  low: Decimal;
  close: Decimal;
  volume: Decimal;
}

export type Purpose = "Entry" | "Exit" | "Stop" | "TakeProfit" | "Flatten";

export interface Fill {
  t: Time;
  side: Side;
  price: Decimal;
  quantity: Decimal;
  orderId: string;
  purpose: Purpose;
}

export interface StopLine {
  price: Decimal;
  orderId: string;
}

export interface Market {
  symbol: string;
  bars: Bar[];
  fills: Fill[];
  stops: StopLine[];
}

export interface MarketUpdate {
  symbol: string;
  /** Every bar since the stream's last update; the newest ones in its first. */
  bars: Bar[];
  /** Every fill that the stream has not told before. */
  fills: Fill[];
  stops: StopLine[];
}

export interface Position {
  symbol: string;
  side: "Long" | "Short";
  quantity: Decimal;
  entryPrice: Decimal;
  markPrice: Decimal;
  unrealizedPnl: Decimal;
  realizedPnl: Decimal;
  notional: Decimal;
  stopPrice: Decimal | null;
  takeProfitPrice: Decimal | null;
  verified: boolean;
  openedAt: Time;
}

export type OrderState =
  | "Created"
  | "Denied"
  | "Approved"
  | "Submitted"
  | "Accepted"
  | "PartiallyFilled"
  | "Filled"
  | "Rejected"
  | "Canceled"
  | "Expired"
  | "Unknown"
  | "NotAccepted";

export interface Order {
  id: string;
  clientOrderId: string;
  symbol: string;
  side: Side;
  type: "Market" | "Limit" | "StopMarket" | "TakeProfitMarket";
  purpose: Purpose;
  quantity: Decimal;
  filledQuantity: Decimal;
  price: Decimal | null;
  stopPrice: Decimal | null;
  averagePrice: Decimal | null;
  state: OrderState;
  pending: null | "Cancel";
  reduceOnly: boolean;
  closePosition: boolean;
  createdAt: Time;
  updatedAt: Time;
  reason: string | null;
  decisionId: string | null;
}

export interface Agent {
  name: string;
  strategy: string;
  authority: "Consensus" | "Delegated";
  paused: boolean;
  weight: Decimal;
  brier: Decimal | null;
  opinions: number;
  abstentions: number;
  hitRate: Decimal | null;
  lastOpinion: {
    at: Time;
    symbol: string;
    direction: Direction | null;
    confidence: Decimal | null;
    abstained: boolean;
    reason: string;
  } | null;
}

export interface Vote {
  agent: string;
  direction: Direction | null;
  confidence: Decimal | null;
  weight: Decimal;
  abstained: boolean;
  late: boolean;
  dissent: boolean;
  reason: string;
}

export interface Denial {
  rule: string;
  input: string;
  limit: string;
}

export interface Round {
  id: string;
  symbol: string;
  closedAt: Time;
  outcome: Direction | "Hold";
  approval: Decimal | null;
  /** Share of the weight cast that a direction needs to win. */
  threshold?: Decimal | null;
  /** Agents that voted for the winner, of those that cast a vote. */
  agreeing: number;
  cast: number;
  reason: string;
  votes: Vote[];
  decision: {
    id: string;
    action: "Enter" | "Exit" | "Hold" | "Reverse";
    side: Side | null;
    quantity: Decimal | null;
    boundBy: string | null;
    verdict: "Approved" | "Denied" | null;
    denials: Denial[];
  } | null;
}

export interface Limit {
  name: string;
  unit: string;
  limit: Decimal;
  value: Decimal;
  headroom: Decimal;
  /** Share of the limit in use: 1 is at the limit. */
  fraction: Decimal;
}

export interface Risk {
  policy: {
    name: string;
    generation: number;
    hash: string;
    acknowledgedAt: Time | null;
    acknowledgedWallTime: Time | null;
    delayMillis: number | null;
    file: string;
    staleAfter: string;
    lost: { since: Time; reason: string } | null;
    lastRefused: { at: Time; message: string } | null;
  };
  tradingState: TradingState;
  onHalt: "CancelOnly" | "Flatten";
  flat: boolean;
  flatSince: Time | null;
  haltedAt: Time | null;
  limits: Limit[];
  pending: { generation: number; hash: string; changes: string[]; waitsFor: string } | null;
}

export interface Lineage {
  id: string;
  kind: string;
  lineage: { sequence: number; at: Time; kind: string; summary: string; record: unknown }[];
}

export interface Accepted {
  accepted: true;
  commandId: string;
  journalSequence: number;
}

/** A command's path under `/api/commands/` and its body. */
export type Command =
  | { name: "halt"; body: { reason: string; who?: string; flatten?: boolean } }
  | { name: "resume"; body: { reason: string; who?: string } }
  | { name: "close"; body: { symbol: string; reason?: string } }
  | { name: "cancel"; body: { orderId: string; reason?: string } }
  | { name: "pause" | "unpause"; body: { symbol?: string; agent?: string; reason?: string } };

import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, inWords } from "../api";
import { PriceChart } from "../charts/price";
import type { Bar, Market, SymbolStatus } from "../contract";
import { exact, percent, price, quantity, time } from "../format";
import { loadMarket } from "../live";
import { intervalMillis } from "../series";
import { shownSymbol, type stepsOf } from "../state";
import { dispatch, getState, useStore } from "../store";
import { useDark } from "../theme";
import { CommandButton } from "./command_button";
import { DirectionMark, Signed, Tag } from "./marks";
import { Choice, Panel } from "./panel";

const RANGES = [
  { value: "60", text: "60" },
  { value: "150", text: "150" },
  { value: "400", text: "400 bars" },
] as const;
type Range = (typeof RANGES)[number]["value"];

export function PricePanel() {
  const symbols = useStore((state) => state.status?.symbols);
  const shown = useStore(shownSymbol);
  const market = useStore((state) => (shown ? (state.markets[shown] ?? null) : null));
  const interval = useStore((state) => state.status?.barInterval ?? "");
  const element = useRef<HTMLDivElement>(null);
  const chart = useRef<PriceChart | null>(null);
  const [hovered, setHovered] = useState<Bar | null>(null);
  const [range, setRange] = useState<Range>("150");
  const dark = useDark();

  useEffect(() => {
    if (!element.current) return;
    chart.current = new PriceChart(element.current, setHovered);
    return () => chart.current?.remove();
  }, []);
  useEffect(() => {
    if (market) chart.current?.draw(market, intervalMillis(interval));
  }, [market, interval]);
  const loaded = market !== null;
  useEffect(() => {
    if (loaded) chart.current?.show(Number(range));
  }, [range, loaded, shown]);
  useEffect(() => chart.current?.recolor(), [dark]);

  const status = symbols?.find((s) => s.symbol === shown);
  const bar = hovered ?? market?.bars.at(-1);
  const steps = { tick: status?.tickSize, lot: status?.lotSize };
  return (
    <Panel
      title={shown ? `${shown} price, fills and stops` : "Price, fills and stops"}
      aside={bar && <BarReading bar={bar} interval={interval} tick={steps.tick} />}
      actions={<Choice label="Bars shown" options={RANGES} chosen={range} onChoose={setRange} />}
    >
      {symbols && symbols.length > 0 && (
        <SymbolBar symbols={symbols} shown={shown} status={status} />
      )}
      <div
        class="chart chart-price"
        ref={element}
        role="img"
        aria-label={summary(shown, market, steps)}
        data-testid="price-chart"
      />
      <ul class="legend price-legend">
        <li>
          <DirectionMark of="Buy" /> fill
        </li>
        <li>
          <DirectionMark of="Sell" /> fill
        </li>
        <li class="key-stop">Protective stop</li>
      </ul>
    </Panel>
  );
}

interface BarReadingProps {
  bar: Bar;
  interval: string;
  tick: string | undefined;
}

function BarReading({ bar, interval, tick }: BarReadingProps) {
  return (
    <ul class="legend number">
      <li class="quiet">
        {time(bar.t)} {interval}
      </li>
      <li>O {price(bar.open, tick)}</li>
      <li>H {price(bar.high, tick)}</li>
      <li>L {price(bar.low, tick)}</li>
      <li>C {price(bar.close, tick)}</li>
      <li class="quiet">Vol {exact(bar.volume)}</li>
    </ul>
  );
}

interface SymbolBarProps {
  symbols: SymbolStatus[];
  shown: string | null;
  status: SymbolStatus | undefined;
}

function SymbolBar({ symbols, shown, status }: SymbolBarProps) {
  const [problem, setProblem] = useState("");

  async function choose(symbol: string) {
    dispatch({ type: "SymbolChosen", symbol });
    setProblem("");
    try {
      await loadMarket({ getState, dispatch }, symbol);
    } catch (error) {
      const why = error instanceof ApiError ? inWords(error) : (error as Error).message;
      setProblem(`Older bars of ${symbol} could not be loaded: ${why}`);
    }
  }

  return (
    <div class="symbol-bar">
      {symbols.length > 1 && (
        <label class="symbol-choice">
          <span class="hidden">Symbol</span>
          <select value={shown ?? ""} onChange={(event) => void choose(event.currentTarget.value)}>
            {symbols.map(({ symbol, paused, feed }) => (
              <option key={symbol} value={symbol}>
                {symbol}
                {paused ? " (paused)" : ""}
                {feed === "Live" ? "" : ` (${feed.toLowerCase()})`}
              </option>
            ))}
          </select>
        </label>
      )}
      {status && (
        <>
          <strong class="number last-price">{price(status.lastPrice, status.tickSize)}</strong>
          <span>
            <Signed value={status.change24h}>{percent(status.change24h, 2, true)}</Signed>{" "}
            <span class="quiet">24 h</span>
          </span>
          <Tag tone={status.feed === "Broken" ? "warning" : ""}>
            Feed {status.feed.toLowerCase()}
          </Tag>
          {status.paused && <Tag tone="warning">Paused</Tag>}
          <CommandButton
            class="small"
            asks={{
              kind: status.paused ? "Unpause" : "Pause",
              target: { symbol: status.symbol },
            }}
          >
            {status.paused ? "Unpause" : "Pause"} <span class="hidden">{status.symbol}</span>
          </CommandButton>
        </>
      )}
      <span class="problem" role="status">
        {problem}
      </span>
    </div>
  );
}

function summary(
  symbol: string | null,
  market: Market | null,
  { tick, lot }: ReturnType<typeof stepsOf>,
): string {
  const last = market?.bars.at(-1);
  if (!symbol || !market || !last) return "Chart of the price: no data yet.";
  const fill = market.fills.at(-1);
  const fills = fill
    ? `last fill ${fill.side} ${quantity(fill.quantity, lot)} at ${price(fill.price, tick)} on ${time(fill.t)} UTC`
    : "no fills";
  const stops =
    market.stops.length > 0
      ? `stop at ${market.stops.map((s) => price(s.price, tick)).join(", ")}`
      : "no stop";
  return `Candle chart of ${symbol} to ${time(last.t)} UTC: last ${price(last.close, tick)}, ${stops}, ${fills}.`;
}

/**
 * Says to screen readers what a sighted reader would notice, state changes and fills, and to a
 * reader in another tab the state.
 */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Fill } from "../contract";
import { price, quantity } from "../format";
import { shownSymbol } from "../state";
import { getState, useStore } from "../store";

/** A fast run fills many times a second; speech needs seconds for one sentence. */
const BETWEEN_FILLS_MILLIS = 5_000;

export function Announcer() {
  const state = useStore((s) => s.status?.tradingState ?? null);
  const phase = useStore((s) => s.status?.phase ?? null);
  const connection = useStore((s) => s.connection.kind);
  const system = useStore((s) => s.status?.system ?? null);
  const fills = useFillSentence();
  useEffect(() => {
    document.title = [state, system, "Mission Control"].filter(Boolean).join(" · ");
  }, [state, system]);
  return (
    <div class="hidden">
      <p role="status" data-testid="state-announcement">
        {state && `Trading is ${state}. The run is ${phase}.`}{" "}
        {connection === "Live" ? "" : "The page is not live."}
      </p>
      <p role="status">{fills}</p>
    </div>
  );
}

function useFillSentence(): string {
  const [sentence, setSentence] = useState("");
  const seen = useRef<{ symbol: string; last: Fill | undefined } | null>(null);
  useEffect(() => {
    const timer = setInterval(() => {
      const state = getState();
      const symbol = shownSymbol(state);
      const fills = symbol ? state.markets[symbol]?.fills : undefined;
      if (!symbol || !fills) return;
      const before = seen.current;
      seen.current = { symbol, last: fills.at(-1) };
      // What was there on arrival is no news.
      if (before?.symbol !== symbol) return;
      const news = before.last ? fills.slice(fills.lastIndexOf(before.last) + 1) : fills;
      const last = news.at(-1);
      if (last) setSentence(sentenceOf(symbol, news.length, last));
    }, BETWEEN_FILLS_MILLIS);
    return () => clearInterval(timer);
  }, []);
  return sentence;
}

function sentenceOf(symbol: string, fills: number, last: Fill): string {
  const verb = last.side === "Buy" ? "bought" : "sold";
  const one = `${verb} ${quantity(last.quantity)} ${symbol} at ${price(last.price)}, ${last.purpose}.`;
  return fills === 1 ? `Fill: ${one}` : `${fills} fills, the last: ${one}`;
}

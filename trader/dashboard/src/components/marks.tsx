/** Small marks used all over the page: directions, signed amounts, states. */

import type { ComponentChildren } from "preact";
import type { Direction, Side, TradingState } from "../contract";
import { sign } from "../decimal";
import { NONE } from "../format";
import { Icon, type IconName } from "./icons";

const DIRECTIONS: Record<Direction | Side | "Hold", { icon: IconName; tone: string }> = {
  Long: { icon: "up", tone: "long" },
  Buy: { icon: "up", tone: "long" },
  Short: { icon: "down", tone: "short" },
  Sell: { icon: "down", tone: "short" },
  Flat: { icon: "level", tone: "quiet" },
  Hold: { icon: "level", tone: "quiet" },
};

/** A direction by word, shape and colour. */
export function DirectionMark({ of }: { of: Direction | Side | "Hold" | null }) {
  if (of === null) return <span class="quiet">Abstained</span>;
  const { icon, tone } = DIRECTIONS[of];
  return (
    <span class={`mark ${tone}`}>
      <Icon name={icon} />
      {of}
    </span>
  );
}

/** A gain or loss: `value` decides the tone, the text carries the sign. */
export function Signed({ value, children }: { value: string | null; children: ComponentChildren }) {
  if (value === null) return <span class="quiet">{NONE}</span>;
  const tone = { [-1]: "short", 0: "quiet", 1: "long" }[sign(value)];
  return <span class={`number ${tone}`}>{children}</span>;
}

interface StateBadgeProps {
  state: TradingState | null;
  /** The run has ended: nothing is traded in any state. */
  isOver: boolean;
  connecting: boolean;
}

const STATES: Record<TradingState, { icon: IconName; tone: string }> = {
  Active: { icon: "active", tone: "good" },
  Reducing: { icon: "reducing", tone: "warning" },
  Halted: { icon: "halted", tone: "danger" },
};

export function StateBadge({ state, isOver, connecting }: StateBadgeProps) {
  if (!state) return <span class="badge">{connecting ? "Connecting…" : "Not connected"}</span>;
  if (isOver) {
    return (
      <span class="badge" data-testid="trading-state">
        Finished
      </span>
    );
  }
  const { icon, tone } = STATES[state];
  return (
    <span class={`badge ${tone}`} data-testid="trading-state">
      <Icon name={icon} />
      {state}
    </span>
  );
}

/** A word in a quiet frame; `tone` colours it. */
export function Tag({ tone = "", children }: { tone?: string; children: ComponentChildren }) {
  return <span class={`tag ${tone}`}>{children}</span>;
}

interface MeterProps {
  label: string;
  /** What a screen reader says for the value. */
  text: string;
  /** Share filled, 0 to 1; more is drawn full. */
  fraction: number;
  tone: string;
  /** Where a threshold is marked, 0 to 1. */
  threshold?: number | null;
}

export function Meter({ label, text, fraction, tone, threshold }: MeterProps) {
  const filled = Math.min(1, Math.max(0, Number.isFinite(fraction) ? fraction : 0));
  return (
    <div
      class={`meter ${tone}`}
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(filled * 100)}
      aria-valuetext={text}
    >
      <div class="meter-fill" style={{ transform: `scaleX(${filled})` }} />
      {threshold !== undefined && threshold !== null && (
        <div class="meter-threshold" style={{ left: `${threshold * 100}%` }} />
      )}
    </div>
  );
}

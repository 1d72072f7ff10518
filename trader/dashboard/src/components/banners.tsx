/** What a person has to know before reading any figure: staleness, a halt, a failure. */

import { clock, time } from "../format";
import { commandsOff } from "../state";
import { useStore } from "../store";
import { COMMANDS_OFF } from "./command_button";
import { Icon } from "./icons";

export function Banners() {
  const connection = useStore((state) => state.connection);
  const status = useStore((state) => state.status);
  const portfolio = useStore((state) => state.portfolio);
  const health = useStore((state) => state.health);
  const off = useStore(commandsOff);
  const halted = status?.tradingState === "Halted";
  const broken = status?.symbols.filter((s) => s.feed === "Broken") ?? [];
  return (
    <div class="banners">
      {connection.kind === "Stale" && (
        <p class="banner danger" role="alert">
          <Icon name="broken" />
          <span>
            {status ? (
              <>
                <strong>Stale since {clock(connection.since)}.</strong> What is shown may have
                changed: {sentence(connection.cause)}
              </>
            ) : (
              <>
                <strong>The desk cannot be shown yet:</strong> {sentence(connection.cause)}
              </>
            )}{" "}
            The page tries again by itself at {clock(connection.retryAt)}.
          </span>
        </p>
      )}
      {off && (
        <p class="banner" id={COMMANDS_OFF}>
          <Icon name="level" />
          <span>{off}</span>
        </p>
      )}
      {status && status.tradingState !== "Active" && (
        <div class={`banner ${halted ? "danger" : "warning"}`}>
          <Icon name={halted ? "halted" : "reducing"} />
          <div>
            <strong>
              {halted
                ? "Trading is halted."
                : "Trading is reducing: only what shrinks exposure passes."}
            </strong>
            {status.tradingStateReasons.length > 0 && (
              <ul>
                {status.tradingStateReasons.map(({ source, state, reason, since }) => (
                  <li key={`${source} ${reason}`}>
                    {source} says {state}: {reason}
                    {since && <span class="number"> (since {time(since)} UTC)</span>}
                  </li>
                ))}
              </ul>
            )}
          </div>
        </div>
      )}
      {status?.phase === "Failed" && (
        <p class="banner danger">
          <Icon name="broken" />
          <span>
            <strong>The run failed.</strong> {health?.lastError?.message ?? "Its log says why."}
          </span>
        </p>
      )}
      {broken.map(({ symbol, lastError }) => (
        <p key={symbol} class="banner warning">
          <Icon name="reducing" />
          <span>
            <strong>{symbol}: the feed is broken.</strong>{" "}
            {sentence(lastError ?? "no cause was given")} The other symbols go on.
          </span>
        </p>
      ))}
      {portfolio && !portfolio.verified && (
        <p class="banner warning">
          <Icon name="reducing" />
          <span>
            <strong>A position is unverified.</strong> These are the last proven figures; nothing
            may increase until the venue confirms.
          </span>
        </p>
      )}
    </div>
  );
}

/** What a machine said, ended as a sentence so that the next one reads as its own. */
function sentence(text: string): string {
  return `${text.trim().replace(/\.$/, "")}.`;
}

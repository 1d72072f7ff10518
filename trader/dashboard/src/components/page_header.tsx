/** What must be seen at any moment: which desk, its state, how live the page is, and the halt. */

import { useState } from "preact/hooks";
import type { Status } from "../contract";
import { clock, count, percent, time, words } from "../format";
import logo from "../sapphire.svg";
import { type Connection, canResume } from "../state";
import { useStore } from "../store";
import { setTheme, type Theme, theme } from "../theme";
import { CommandButton } from "./command_button";
import { Icon, type IconName } from "./icons";
import { StateBadge, Tag } from "./marks";

export function PageHeader() {
  const status = useStore((state) => state.status);
  const connection = useStore((state) => state.connection);
  const state = status?.tradingState ?? null;
  return (
    <header class={`page-header ${connection.kind === "Stale" ? "stale" : ""}`}>
      <div class="brand">
        <img src={logo} alt="" width="24" height="24" />
        <div>
          <h1>{status?.system ?? "Mission Control"}</h1>
          <p class="quiet run">
            {status ? `run ${status.runId} · Sapphire ${status.version}` : "Sapphire"}
          </p>
        </div>
      </div>
      <StateBadge
        state={state}
        isOver={status?.phase === "Finished"}
        connecting={connection.kind === "Connecting"}
      />
      <div class="header-facts">
        {status && <Progress status={status} />}
        <div class="fact">
          <span class="fact-label">Event time (UTC)</span>
          <span class="number" data-testid="event-time">
            {time(status?.eventTime)}
          </span>
        </div>
        <ConnectionMark connection={connection} />
      </div>
      <div class="header-buttons">
        <ThemeButton />
        {status && canResume(status) && (
          <CommandButton asks={{ kind: "Resume" }}>Resume</CommandButton>
        )}
        {/* Also when halted: a halt that kept the positions can still be told to flatten them. */}
        <CommandButton class="danger" disabled={state === null} asks={{ kind: "Halt" }}>
          <Icon name="halted" />
          Halt
        </CommandButton>
      </div>
    </header>
  );
}

function Progress({ status }: { status: Status }) {
  const { progress, phase, mode } = status;
  const done = progress && `${count(progress.done)} of ${count(progress.total)} events`;
  return (
    <div class="fact progress">
      <span class="fact-label">
        <Tag>{mode}</Tag> {words(phase)}
        {progress && <span class="number"> · {percent(progress.fraction, 0)}</span>}
      </span>
      {progress && (
        <progress
          aria-label="Progress through the data"
          title={done ?? ""}
          max={1}
          value={Number(progress.fraction)}
        />
      )}
    </div>
  );
}

function ConnectionMark({ connection }: { connection: Connection }) {
  const shown = {
    Connecting: { icon: "ring", tone: "quiet", text: "Connecting" },
    Live: { icon: "dot", tone: "good", text: "Live" },
    Stale: { icon: "broken", tone: "danger", text: "Stale" },
  } as const satisfies Record<Connection["kind"], { icon: IconName; tone: string; text: string }>;
  const { icon, tone, text } = shown[connection.kind];
  return (
    <div class="fact">
      <span class="fact-label">Connection</span>
      <span class={`mark ${tone}`} data-testid="connection">
        <Icon name={icon} />
        {text}
        {connection.kind === "Stale" && ` since ${clock(connection.since)}`}
      </span>
    </div>
  );
}

const THEMES: Record<Theme, { next: Theme; icon: IconName; text: string }> = {
  system: { next: "light", icon: "system", text: "as the system" },
  light: { next: "dark", icon: "sun", text: "light" },
  dark: { next: "system", icon: "moon", text: "dark" },
};

function ThemeButton() {
  const [chosen, setChosen] = useState(theme);
  const { next, icon, text } = THEMES[chosen];
  const label = `Colours: ${text}. Change to ${THEMES[next].text}`;
  return (
    <button
      type="button"
      class="bare"
      aria-label={label}
      title={label}
      onClick={() => {
        setTheme(next);
        setChosen(next);
      }}
    >
      <Icon name={icon} />
    </button>
  );
}

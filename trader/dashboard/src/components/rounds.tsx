/** The last rounds: who voted what, who dissented, and what the risk gate made of it. */

import { useState } from "preact/hooks";
import type { Round, Vote } from "../contract";
import { brief, percent, quantity, time, words } from "../format";
import { stepsOf } from "../state";
import { useStore } from "../store";
import { useAsk } from "./asking";
import { DirectionMark, Meter, Tag } from "./marks";
import { Choice, Empty, Panel, useHold } from "./panel";

const SHOWN = 8;

export function Rounds() {
  const rounds = useStore((state) => state.rounds);
  const { shown, button } = useHold(rounds);
  const [which, setWhich] = useState<"all" | "decided">("all");
  const matching = shown?.filter((round) => which === "all" || round.decision !== null) ?? [];
  return (
    <Panel
      title="Rounds and dissent"
      actions={
        <>
          {button}
          <Choice
            label="Rounds shown"
            options={[
              { value: "all", text: "All" },
              { value: "decided", text: "With a decision" },
            ]}
            chosen={which}
            onChoose={setWhich}
          />
        </>
      }
    >
      {shown === null && <Empty>Loading…</Empty>}
      {shown !== null && matching.length === 0 && (
        <Empty>
          {which === "all" ? "No round has closed yet." : "No round has led to a decision yet."}
        </Empty>
      )}
      <ol class="rounds">
        {matching.slice(0, SHOWN).map((round) => (
          <RoundItem key={round.id} round={round} />
        ))}
      </ol>
    </Panel>
  );
}

function RoundItem({ round }: { round: Round }) {
  const ask = useAsk();
  const { decision, threshold } = round;
  const { lot } = stepsOf(
    useStore((state) => state.status),
    round.symbol,
  );
  const needed = threshold ? ` of ${percent(threshold, 0)} needed` : "";
  const approval =
    round.approval === null ? "no vote was cast" : `${percent(round.approval, 0)}${needed}`;
  return (
    <li class="round">
      <div class="round-head">
        <h3 class="number">
          {round.symbol} <span class="quiet">{time(round.closedAt)}</span>
        </h3>
        <DirectionMark of={round.outcome} />
        <div class="approval">
          <Meter
            label="Share of the weight cast"
            text={approval}
            fraction={Number(round.approval ?? 0)}
            threshold={threshold ? Number(threshold) : null}
            tone={round.outcome === "Hold" ? "quiet" : "accent"}
          />
          <span class="number">{approval}</span>
        </div>
        <span class="quiet number">
          {round.agreeing} of {round.cast} agree
        </span>
        {decision && (
          <button type="button" class="small" onClick={() => ask({ kind: "Why", id: decision.id })}>
            Why <span class="hidden">{decision.id}</span>
          </button>
        )}
      </div>
      <ul class="votes">
        {round.votes.map((vote) => (
          <VoteItem key={vote.agent} vote={vote} />
        ))}
      </ul>
      {decision ? (
        <Verdict decision={decision} lot={lot} />
      ) : (
        <p class="round-reason quiet">{round.reason}</p>
      )}
    </li>
  );
}

function VoteItem({ vote }: { vote: Vote }) {
  return (
    <li class={`vote ${vote.dissent ? "dissent" : ""}`} title={vote.reason}>
      <div class="vote-line">
        <span class="vote-agent">{vote.agent}</span>
        <span class="quiet number" title="weight">
          <span class="hidden">weight </span>
          {percent(vote.weight, 1)}
        </span>
      </div>
      <div class="vote-line">
        <span class="vote-cast number">
          <DirectionMark of={vote.abstained ? null : vote.direction} />
          {vote.confidence !== null && percent(vote.confidence, 0)}
        </span>
        {vote.dissent && <Tag tone="dissent">Dissents</Tag>}
        {vote.late && <Tag tone="warning">Late</Tag>}
      </div>
    </li>
  );
}

interface VerdictProps {
  decision: NonNullable<Round["decision"]>;
  lot: string | undefined;
}

function Verdict({ decision, lot }: VerdictProps) {
  const { action, side, quantity: size, verdict, boundBy, denials } = decision;
  return (
    <p class="round-reason">
      <strong>{action}</strong> {side && <DirectionMark of={side} />}{" "}
      {size && <span class="number">{quantity(size, lot)}</span>}{" "}
      {verdict && <Tag tone={verdict === "Denied" ? "warning" : "good"}>{verdict}</Tag>}{" "}
      {boundBy && <span class="quiet">size bound by {words(boundBy).toLowerCase()}</span>}
      {denials.map(({ rule, input, limit }) => (
        <span key={rule} class="denial">
          {words(rule)}: <span class="number">{brief(input)}</span>, limit{" "}
          <span class="number">{brief(limit)}</span>
        </span>
      ))}
    </p>
  );
}

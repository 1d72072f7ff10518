import type { Agent } from "../contract";
import { count, NONE, percent, score, shortTime, words } from "../format";
import { useStore } from "../store";
import { CommandButton } from "./command_button";
import { DirectionMark, Tag } from "./marks";
import { Empty, Panel } from "./panel";

export function Agents() {
  const agents = useStore((state) => state.agents);
  return (
    <Panel title="Agents" aside={agents && <span class="number">{agents.length}</span>}>
      {agents === null && <Empty>Loading…</Empty>}
      {agents?.length === 0 && <Empty>This desk has no agent.</Empty>}
      <ul class="agents">
        {agents?.map((agent) => (
          <AgentItem key={agent.name} agent={agent} />
        ))}
      </ul>
    </Panel>
  );
}

function AgentItem({ agent }: { agent: Agent }) {
  const { lastOpinion: last } = agent;
  const delegated = agent.authority === "Delegated";
  return (
    <li class={agent.paused ? "agent paused" : "agent"}>
      <div class="agent-head">
        <h3>{agent.name}</h3>
        <span class="quiet">{words(agent.strategy)}</span>
        {delegated && <Tag>Delegated</Tag>}
        {agent.paused && <Tag tone="warning">Paused</Tag>}
        <CommandButton
          class="small"
          asks={{ kind: agent.paused ? "Unpause" : "Pause", target: { agent: agent.name } }}
        >
          {agent.paused ? "Unpause" : "Pause"} <span class="hidden">{agent.name}</span>
        </CommandButton>
      </div>
      <div class="agent-opinion">
        {last ? (
          <>
            <DirectionMark of={last.abstained ? null : last.direction} />
            {last.confidence !== null && <span class="number">{percent(last.confidence, 0)}</span>}
            <span class="quiet">
              {last.symbol}: {last.reason}
            </span>
          </>
        ) : (
          <span class="quiet">No opinion yet</span>
        )}
      </div>
      <dl class="agent-figures number">
        <div>
          <dt>Weight</dt>
          <dd>{delegated ? NONE : percent(agent.weight, 0)}</dd>
        </div>
        <div>
          <dt title="Mean squared error of its confidence; lower is better, a coin scores 0.250">
            Brier
          </dt>
          <dd>{score(agent.brier)}</dd>
        </div>
        <div>
          <dt>Hits</dt>
          <dd>{percent(agent.hitRate, 0)}</dd>
        </div>
        <div>
          <dt>Opinions</dt>
          <dd>{count(agent.opinions)}</dd>
        </div>
        <div>
          <dt>Abstained</dt>
          <dd>{count(agent.abstentions)}</dd>
        </div>
        <div>
          <dt>Last (UTC)</dt>
          <dd>{shortTime(last?.at)}</dd>
        </div>
      </dl>
    </li>
  );
}

import type { Health } from "../contract";
import { count, duration, shortHash, time } from "../format";
import { useStore } from "../store";
import { Panel } from "./panel";

/** What was odd about the data, as the report tells it: kinds that were not seen are left out. */
export function oddities(quality: Health["dataQuality"]): string {
  const kinds: [number, string][] = [
    [quality.jumps, "jumped 30 % or more"],
    [quality.missing, "missing"],
    [quality.sequenceGaps, "sequence gaps"],
    [quality.contradictions, "contradict another of the same time"],
    [quality.duplicates, "duplicate"],
    [quality.outOfOrder, "out of order"],
    [quality.offTick, "off the tick"],
    [quality.belowLot, "below a lot"],
    [quality.unsynchronised, "before a snapshot"],
  ];
  const seen = kinds.filter(([times]) => times > 0);
  return seen.map(([times, what]) => `${count(times)} ${what}`).join(", ") || "nothing odd";
}

/** The machine room: journal head, throughput, quality of the data, and what the run wants noted. */
export function System() {
  const status = useStore((state) => state.status);
  const health = useStore((state) => state.health);
  const quality = health?.dataQuality;
  return (
    <Panel title="Journal and health">
      <dl class="facts">
        <dt>Journal head</dt>
        <dd class="number">
          {status ? count(status.journal.sequence) : "–"}{" "}
          <span class="mono quiet" title={status?.journal.hash}>
            {status && shortHash(status.journal.hash)}
          </span>
        </dd>
        {health && (
          <>
            <dt>Commit p99</dt>
            <dd class="number">{duration(health.journal.p99CommitMicros / 1000)}</dd>
            <dt>Events</dt>
            <dd class="number">
              {count(health.eventsTotal)}{" "}
              <span class="quiet">{count(health.eventsPerSecond)} a second</span>
            </dd>
            <dt>Up</dt>
            <dd class="number">{duration(health.uptimeSeconds * 1000)}</dd>
            <dt>Feed errors</dt>
            <dd class="number">{count(health.feedErrors)}</dd>
          </>
        )}
        {quality && (
          <>
            <dt>Data</dt>
            <dd class="number">{oddities(quality)}</dd>
          </>
        )}
        <dt>Store, bus</dt>
        <dd>{status ? `${status.storage}, ${status.bus}` : "–"}</dd>
      </dl>
      {health?.lastError && (
        <p class="note">
          <strong>Last error</strong> in {health.lastError.where}: {health.lastError.message}{" "}
          <span class="quiet number">({time(health.lastError.at)} UTC)</span>
        </p>
      )}
      {status && status.notes.length > 0 && (
        <>
          <h3>Notes</h3>
          <ul class="notes">
            {status.notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </>
      )}
    </Panel>
  );
}

import { count, duration, shortHash, time } from "../format";
import { useStore } from "../store";
import { Panel } from "./panel";

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
            <dd class="number">
              {count(quality.missing)} missing, {count(quality.duplicates)} duplicate,{" "}
              {count(quality.offTick)} off tick, {count(quality.jumps)} jumps
            </dd>
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

import { Fragment } from "preact";
import type { Limit, Risk } from "../contract";
import { duration, inUnit, NONE, percent, shortHash, time, words } from "../format";
import { useStore } from "../store";
import { Meter, Tag } from "./marks";
import { Empty, Panel } from "./panel";

/** From here on a limit's meter warns; the drawdown rule turns cautious at the same share. */
const CAUTION = 0.5;
const CLOSE = 0.8;

export function RiskLimits() {
  const risk = useStore((state) => state.risk);
  return (
    <Panel
      title="Risk limits"
      aside={
        risk &&
        (risk.flat ? `Flat${risk.flatSince ? ` since ${time(risk.flatSince)}` : ""}` : "Exposed")
      }
    >
      {risk === null && <Empty>Loading…</Empty>}
      <ul class="limits">
        {risk?.limits.map((limit) => (
          <LimitItem key={limit.name} limit={limit} />
        ))}
      </ul>
    </Panel>
  );
}

function LimitItem({ limit }: { limit: Limit }) {
  const { name, unit, fraction } = limit;
  const used = Number(fraction);
  const tone = used >= CLOSE ? "danger" : used >= CAUTION ? "warning" : "accent";
  const text = `${inUnit(limit.value, unit)} of ${inUnit(limit.limit, unit)}, headroom ${inUnit(limit.headroom, unit)}`;
  return (
    <li class="limit">
      <div class="limit-head">
        <span>{words(name)}</span>
        <span class="number">
          {inUnit(limit.value, unit)} <span class="quiet">/ {inUnit(limit.limit, unit)}</span>
        </span>
      </div>
      <Meter label={words(name)} text={text} fraction={used} tone={tone} />
      <div class="limit-foot quiet number">
        <span>{percent(fraction, 0)} used</span>
        <span>{inUnit(limit.headroom, unit)} left</span>
      </div>
    </li>
  );
}

export function Policy() {
  const risk = useStore((state) => state.risk);
  return (
    <Panel title="Risk policy" aside={risk?.policy.name}>
      {risk ? <PolicyFacts risk={risk} /> : <Empty>Loading…</Empty>}
    </Panel>
  );
}

function PolicyFacts({ risk }: { risk: Risk }) {
  const { policy, pending } = risk;
  const wall = policy.acknowledgedWallTime;
  return (
    <>
      <dl class="facts">
        <dt>Generation</dt>
        <dd class="number">{policy.generation}</dd>
        <dt>Hash</dt>
        <dd class="number mono" title={policy.hash}>
          {shortHash(policy.hash)}
        </dd>
        <dt>Acknowledged</dt>
        <dd class="number">{wall ? `${time(wall)} UTC` : "Not yet"}</dd>
        <dt>Delay</dt>
        <dd class="number">{policy.delayMillis === null ? NONE : duration(policy.delayMillis)}</dd>
        <dt>Event time then</dt>
        <dd class="number">{time(policy.acknowledgedAt)}</dd>
        <dt>On halt</dt>
        <dd>{words(risk.onHalt)}</dd>
        {risk.haltedAt && (
          <>
            <dt>Halted at</dt>
            <dd class="number">{time(risk.haltedAt)}</dd>
          </>
        )}
        <dt>File</dt>
        <dd class="mono">{breakable(policy.file)}</dd>
        <dt>Stale after</dt>
        <dd class="number">{policy.staleAfter}</dd>
      </dl>
      {policy.lost && (
        <p class="note">
          <Tag tone="danger">Lost</Tag> {policy.lost.reason}{" "}
          <span class="quiet number">(since {time(policy.lost.since)} UTC)</span> Only what shrinks
          exposure passes until it can be read again.
        </p>
      )}
      {pending && (
        <p class="note">
          <Tag tone="warning">Pending</Tag> Generation {pending.generation} (
          {shortHash(pending.hash)}) waits for {pending.waitsFor}. Until then what is in force
          stays: {pending.changes.map((name) => words(name).toLowerCase()).join(", ")}.
        </p>
      )}
      {policy.lastRefused && (
        <p class="note">
          <Tag tone="danger">Refused</Tag> {policy.lastRefused.message}{" "}
          <span class="quiet number">({time(policy.lastRefused.at)} UTC)</span>
        </p>
      )}
    </>
  );
}

/** A path that may wrap after each of its slashes. */
function breakable(path: string) {
  return path.split("/").map((part, i) => (
    <Fragment key={i}>
      {i > 0 && (
        <>
          /<wbr />
        </>
      )}
      {part}
    </Fragment>
  ));
}

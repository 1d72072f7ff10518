import { exact, words } from "../format";
import { useStore } from "../store";
import { Panel } from "./panel";

/** The run's own report, once there is one. */
export function FinalReport() {
  const report = useStore((state) => state.status?.report ?? null);
  if (!report) return null;
  const { text, ...figures } = report;
  const shown = Object.entries(figures).filter(([, value]) => typeof value !== "object");
  return (
    <Panel title="Final report" class="report">
      <dl class="report-figures">
        {shown.map(([name, value]) => (
          <div key={name}>
            <dt>{words(name)}</dt>
            <dd class="number">{exact(String(value))}</dd>
          </div>
        ))}
      </dl>
      <details>
        <summary>Report as printed</summary>
        <pre>{text}</pre>
      </details>
    </Panel>
  );
}

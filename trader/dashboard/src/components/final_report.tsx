import { useStore } from "../store";
import { Panel } from "./panel";

/** The run's own report, once there is one: the terminal's rows, in its order and its words. */
export function FinalReport() {
  const report = useStore((state) => state.status?.report ?? null);
  if (!report) return null;
  return (
    <Panel title="Final report" class="report">
      <p class="report-headline">{report.headline}</p>
      <div class="report-sections">
        {report.sections.map(({ title, wide, facts }) => (
          <section key={title} class={wide ? "wide" : ""}>
            <h3>{title}</h3>
            <dl class="report-facts">
              {facts.map(({ name, value }, i) => (
                <div key={i}>
                  <dt>{name}</dt>
                  <dd class="number">{value}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <details>
        <summary>Report as printed</summary>
        <pre>{report.text}</pre>
      </details>
    </Panel>
  );
}

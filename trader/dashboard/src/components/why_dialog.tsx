/** "Why?": the lineage of a decision or order, from market event to fill. */

import { useEffect, useState } from "preact/hooks";
import { get } from "../api";
import type { Lineage } from "../contract";
import { count, time, words } from "../format";
import { Modal } from "./modal";
import { Empty } from "./panel";

export function WhyDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const [answer, setAnswer] = useState<Lineage | string | null>(null);
  useEffect(() => {
    const cancel = new AbortController();
    get<Lineage>(`/api/why/${encodeURIComponent(id)}`, cancel.signal)
      .then(setAnswer)
      .catch((error: Error) => {
        if (!cancel.signal.aborted) setAnswer(error.message);
      });
    return () => cancel.abort();
  }, [id]);

  return (
    <Modal title={`Why ${id}`} onClose={onClose} class="modal-wide">
      {answer === null && <Empty>Reading the journal…</Empty>}
      {typeof answer === "string" && (
        <p class="problem" role="alert">
          {answer}
        </p>
      )}
      {answer !== null && typeof answer === "object" && (
        <ol class="lineage">
          {answer.lineage.map((entry) => (
            <li key={entry.sequence}>
              <div class="lineage-head">
                <strong>{words(entry.kind)}</strong>
                <span class="quiet number">
                  {time(entry.at)} · entry {count(entry.sequence)}
                </span>
              </div>
              <div>{entry.summary}</div>
              <details>
                <summary>Record</summary>
                <pre>{JSON.stringify(entry.record, null, 2)}</pre>
              </details>
            </li>
          ))}
        </ol>
      )}
      <div class="dialog-buttons">
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Modal>
  );
}

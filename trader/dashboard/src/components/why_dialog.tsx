/** "Why?": the lineage of a decision or order, from market event to fill. */

import { useEffect, useState } from "preact/hooks";
import { ApiError, get, inWords } from "../api";
import type { Lineage } from "../contract";
import { count, time, words } from "../format";
import { Modal } from "./modal";
import { Empty } from "./panel";

export function WhyDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const [answer, setAnswer] = useState<Lineage | string | null>(null);
  useEffect(() => {
    const cancel = new AbortController();
    let timer = 0;
    const ask = () => {
      get<Lineage>(`/api/why/${encodeURIComponent(id)}`, cancel.signal)
        .then(setAnswer)
        .catch((error: Error) => {
          if (cancel.signal.aborted) return;
          const wait = error instanceof ApiError ? error.retryAfterMillis : 0;
          if (wait > 0) timer = window.setTimeout(ask, wait);
          setAnswer(problem(error, wait));
        });
    };
    ask();
    return () => {
      cancel.abort();
      window.clearTimeout(timer);
    };
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
              <Summary text={entry.summary} />
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

/** A record in words: a sentence, and a line for each thing that it lists, such as a round's votes. */
function Summary({ text }: { text: string }) {
  const [sentence, ...lines] = text.split("\n");
  return (
    <>
      <p>{sentence}</p>
      {lines.length > 0 && (
        <ul class="lineage-lines">
          {lines.map((line, i) => (
            <li key={i}>{line}</li>
          ))}
        </ul>
      )}
    </>
  );
}

function problem(error: Error, waitMillis: number): string {
  const words = error instanceof ApiError ? inWords(error) : error.message;
  const sentence = `${words.charAt(0).toUpperCase()}${words.slice(1)}.`.replace(/\.\.$/, ".");
  const again = `It is asked for again in ${Math.ceil(waitMillis / 1000)} s.`;
  return waitMillis > 0 ? `${sentence} ${again}` : sentence;
}

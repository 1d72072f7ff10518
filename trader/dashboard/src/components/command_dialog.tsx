/** Asks before a command is sent, and says what became of it. */

import type { TargetedSubmitEvent } from "preact";
import { useId, useState } from "preact/hooks";
import { send } from "../api";
import type { Command } from "../contract";
import { quantity, words } from "../format";
import { setToken, setWho, token, who } from "../session";
import { useStore } from "../store";
import type { Request, Target } from "./asking";
import { Modal } from "./modal";

export type CommandRequest = Exclude<Request, { kind: "Why" }>;

interface Answers {
  reason: string;
  who: string;
  flatten: boolean;
}

interface Form {
  title: string;
  explanation: string;
  confirm: string;
  danger: boolean;
  /** Filled in beforehand, so that an emergency costs no typing; empty where it must be typed. */
  reason: string;
  reasonNeeded: boolean;
  asksFlatten?: boolean;
  command: (answers: Answers) => Command;
}

const optional = <K extends string>(key: K, value: string) =>
  (value ? { [key]: value } : {}) as { [P in K]?: string };

const named = (target: Target): string =>
  "symbol" in target ? target.symbol : `the agent ${target.agent}`;

export function formOf(request: CommandRequest): Form {
  switch (request.kind) {
    case "Halt":
      return {
        title: "Halt trading?",
        explanation:
          "Entries are cancelled and nothing new is opened. Protective stops stay until their position is closed. Only a person can resume.",
        confirm: "Halt trading",
        danger: true,
        reason: "Halted from Mission Control",
        reasonNeeded: true,
        asksFlatten: true,
        command: ({ reason, who, flatten }) => ({
          name: "halt",
          body: { reason, ...optional("who", who), flatten },
        }),
      };
    case "Resume":
      return {
        title: "Resume trading?",
        explanation:
          "Lifts what a command or the engine set, and re-bases the high-water mark on the equity of now. A state that the policy sets stays.",
        confirm: "Resume trading",
        danger: false,
        reason: "",
        reasonNeeded: true,
        command: ({ reason, who }) => ({
          name: "resume",
          body: { reason, ...optional("who", who) },
        }),
      };
    case "Close": {
      const { symbol, side } = request.position;
      return {
        title: `Close ${symbol}?`,
        explanation: `Closes the ${side.toLowerCase()} position of ${quantity(request.position.quantity)} ${symbol} at market. Its stop goes once the position is proven flat.`,
        confirm: "Close position",
        danger: true,
        reason: "",
        reasonNeeded: false,
        command: ({ reason }) => ({
          name: "close",
          body: { symbol, ...optional("reason", reason) },
        }),
      };
    }
    case "Cancel": {
      const { id, symbol, side, type, purpose } = request.order;
      const protects = purpose === "Stop" ? " It is a protective stop." : "";
      return {
        title: "Cancel this order?",
        explanation: `${words(type)}, ${side.toLowerCase()} ${quantity(request.order.quantity)} ${symbol} (${id}).${protects}`,
        confirm: "Cancel order",
        danger: true,
        reason: "",
        reasonNeeded: false,
        command: ({ reason }) => ({
          name: "cancel",
          body: { orderId: id, ...optional("reason", reason) },
        }),
      };
    }
    case "Pause":
    case "Unpause": {
      const { kind, target } = request;
      const pause = kind === "Pause";
      return {
        title: `${kind} ${named(target)}?`,
        explanation: pause
          ? "symbol" in target
            ? "Nothing new is opened in it. An open position keeps its stop and can still be closed."
            : "It casts no vote until it is unpaused. Its skill and weight are kept."
          : "It takes part again from the next bar.",
        confirm: kind,
        danger: false,
        reason: "",
        reasonNeeded: false,
        command: ({ reason }) => ({
          name: pause ? "pause" : "unpause",
          body: { ...target, ...optional("reason", reason) },
        }),
      };
    }
  }
}

interface Props {
  request: CommandRequest;
  onClose: () => void;
  onAccepted: (message: string) => void;
}

export function CommandDialog({ request, onClose, onAccepted }: Props) {
  const form = formOf(request);
  const onHalt = useStore((state) => state.risk)?.onHalt;
  const [asksToken, setAsksToken] = useState(token() === null);
  const [sending, setSending] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const problemId = useId();

  async function submit(event: TargetedSubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const text = (name: string) => String(fields.get(name) ?? "").trim();
    if (asksToken) setToken(text("token"));
    setWho(text("who"));
    setProblem(null);
    setSending(true);
    const outcome = await send(
      form.command({
        reason: text("reason"),
        who: text("who"),
        flatten: fields.get("flatten") !== null,
      }),
    );
    setSending(false);
    if (outcome.kind === "Accepted") {
      onAccepted(`${form.confirm}: accepted as journal entry ${outcome.journalSequence}.`);
      onClose();
      return;
    }
    if (outcome.kind === "Unauthorized") setAsksToken(true);
    setProblem(outcome.message);
  }

  return (
    <Modal title={form.title} onClose={onClose}>
      <form onSubmit={submit} aria-describedby={problem ? problemId : undefined}>
        <p>{form.explanation}</p>
        <label class="field">
          <span>Reason{form.reasonNeeded ? "" : " (optional)"}</span>
          <input
            name="reason"
            required={form.reasonNeeded}
            defaultValue={form.reason}
            maxLength={200}
            autocomplete="off"
          />
        </label>
        {form.reasonNeeded && (
          <label class="field">
            <span>Your name (optional)</span>
            <input name="who" defaultValue={who()} maxLength={64} autocomplete="name" />
          </label>
        )}
        {form.asksFlatten && (
          <label class="check">
            <input type="checkbox" name="flatten" defaultChecked={onHalt === "Flatten"} />
            <span>Flatten: also close every position at market</span>
          </label>
        )}
        {asksToken && (
          <label class="field">
            <span>Command token</span>
            <input
              name="token"
              type="password"
              required
              autocomplete="off"
              aria-describedby="token-hint"
            />
            <small id="token-hint">
              When it starts, <code>sapphire-trader run</code> prints a link that ends in{" "}
              <code>#token=</code> and the token: open that link, or paste the token here. It prints
              none where you chose one yourself (<code>SAPPHIRE_API_TOKEN</code>). It is kept for
              this tab only.
            </small>
          </label>
        )}
        <p class="problem" id={problemId} role="alert">
          {problem}
        </p>
        <div class="dialog-buttons">
          <button type="button" onClick={onClose}>
            Back
          </button>
          <button type="submit" class={form.danger ? "danger" : "primary"} disabled={sending}>
            {sending ? "Sending…" : form.confirm}
          </button>
        </div>
      </form>
    </Modal>
  );
}

import type { ComponentChildren } from "preact";
import { commandsOff } from "../state";
import { useStore } from "../store";
import { type Request, useAsk } from "./asking";

/** The sentence in the banner that says why commands are switched off. */
export const COMMANDS_OFF = "commands-off";

interface Props {
  asks: Request;
  class?: string;
  /** Besides what switches every command off. */
  disabled?: boolean;
  children: ComponentChildren;
}

/** A button that asks before it sends a command; dead, with the reason, when none is taken. */
export function CommandButton({ asks, class: name, disabled = false, children }: Props) {
  const ask = useAsk();
  const off = useStore(commandsOff);
  return (
    <button
      type="button"
      class={name ?? ""}
      disabled={disabled || off !== null}
      title={off ?? ""}
      aria-describedby={off === null ? undefined : COMMANDS_OFF}
      onClick={() => ask(asks)}
    >
      {children}
    </button>
  );
}

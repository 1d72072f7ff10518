import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";

interface Props {
  title: string;
  /** A word or figure beside the title. */
  aside?: ComponentChildren;
  actions?: ComponentChildren;
  class?: string;
  children: ComponentChildren;
}

export function Panel({ title, aside, actions, class: name = "", children }: Props) {
  const id = useId();
  return (
    <section class={`panel ${name}`} aria-labelledby={id}>
      <header class="panel-header">
        <h2 id={id}>{title}</h2>
        {aside && <div class="panel-aside">{aside}</div>}
        {actions && <div class="panel-actions">{actions}</div>}
      </header>
      <div class="panel-body">{children}</div>
    </section>
  );
}

/** What a panel shows before its first answer, or when there is nothing to list. */
export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

interface ChoiceProps<T extends string> {
  label: string;
  options: readonly { value: T; text: string }[];
  chosen: T;
  onChoose: (value: T) => void;
}

/** A few exclusive choices as one row of buttons. */
export function Choice<T extends string>({ label, options, chosen, onChoose }: ChoiceProps<T>) {
  return (
    <fieldset class="choice">
      <legend class="hidden">{label}</legend>
      {options.map(({ value, text }) => (
        <button
          key={value}
          type="button"
          aria-pressed={value === chosen}
          onClick={() => onChoose(value)}
        >
          {text}
        </button>
      ))}
    </fieldset>
  );
}

/** Lets the reader hold a fast list still; what arrives meanwhile shows when let go. */
export function useHold<T>(value: T) {
  const [held, setHeld] = useState<{ value: T } | null>(null);
  const button = (
    <button
      type="button"
      class="small"
      aria-pressed={held !== null}
      onClick={() => setHeld(held ? null : { value })}
    >
      {held ? "Resume updates" : "Hold"}
    </button>
  );
  return { shown: held ? held.value : value, button };
}

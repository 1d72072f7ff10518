/**
 * The event-stream format (WHATWG HTML, 9.2.6), read from a fetch body.
 *
 * EventSource hides keep-alive comments and the response's status; both are needed here to tell a
 * quiet trader from a dead connection, and a refusal from an outage.
 */

export interface ServerEvent {
  event: string;
  data: string;
  id: string;
}

/** Takes text in any pieces and returns the events completed by each. */
export class EventParser {
  private rest = "";
  private event = "";
  private data: string[] = [];
  private id = "";

  push(text: string): ServerEvent[] {
    // A lone CR ends a line too, so a CR at the very end waits for a possible LF.
    this.rest += text;
    const events: ServerEvent[] = [];
    for (;;) {
      const end = /\r\n|\n|\r(?!$)/.exec(this.rest);
      if (!end) return events;
      const line = this.rest.slice(0, end.index);
      this.rest = this.rest.slice(end.index + end[0].length);
      const event = this.line(line);
      if (event) events.push(event);
    }
  }

  private line(line: string): ServerEvent | null {
    if (line === "") {
      const event =
        this.data.length > 0
          ? { event: this.event || "message", data: this.data.join("\n"), id: this.id }
          : null;
      this.event = "";
      this.data = [];
      return event;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.event = value;
    else if (field === "data") this.data.push(value);
    else if (field === "id") this.id = value;
    return null;
  }
}

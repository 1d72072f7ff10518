import { describe, expect, it } from "vitest";
import { EventParser } from "./sse";

const STREAM = ': keep-alive\n\nevent: status\nid: 7\ndata: {"a":1}\n\ndata: one\ndata: two\n\n';
const EVENTS = [
  { event: "status", data: '{"a":1}', id: "7" },
  { event: "message", data: "one\ntwo", id: "7" },
];

describe("EventParser", () => {
  it("reads events, joins their data lines, keeps the last id and passes over comments", () => {
    expect(new EventParser().push(STREAM)).toEqual(EVENTS);
  });

  it("gives the same events however the text is cut", () => {
    for (let size = 1; size < STREAM.length; size++) {
      const parser = new EventParser();
      const events = [];
      for (let i = 0; i < STREAM.length; i += size)
        events.push(...parser.push(STREAM.slice(i, i + size)));
      expect(events, `pieces of ${size}`).toEqual(EVENTS);
    }
  });

  it("takes CRLF for one line end even when a cut falls inside it", () => {
    const parser = new EventParser();
    expect(parser.push("data: x\r")).toEqual([]);
    expect(parser.push("\n\r\n")).toEqual([{ event: "message", data: "x", id: "" }]);
  });

  it("holds back an event whose end has not come", () => {
    expect(new EventParser().push("event: risk\ndata: {}\n")).toEqual([]);
  });
});

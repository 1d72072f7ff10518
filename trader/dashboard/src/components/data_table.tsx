import type { ComponentChildren } from "preact";
import { Empty } from "./panel";

export interface Column<Row> {
  label: string;
  cell: (row: Row) => ComponentChildren;
  /** Right-aligned with tabular figures. */
  numeric?: boolean;
  /** The cell that names the row. */
  heading?: boolean;
  /** Spans the card on a narrow page. */
  wide?: boolean;
}

interface Props<Row> {
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  empty: string;
  /** Narrow enough to stay a table on any page. */
  dense?: boolean;
}

/**
 * A table that, unless it is dense, becomes a list of cards on a narrow page.
 *
 * The roles repeat what the elements mean, because browsers drop table semantics once a style
 * sheet lays the rows out as anything else.
 */
export function DataTable<Row>({ caption, columns, rows, rowKey, empty, dense }: Props<Row>) {
  if (rows.length === 0) return <Empty>{empty}</Empty>;
  return (
    <table class={dense ? "table" : "table cards"} role="table">
      <caption class="hidden">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map(({ label, numeric }) => (
            <th key={label} role="columnheader" scope="col" class={numeric ? "numeric" : ""}>
              {label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr key={rowKey(row)} role="row">
            {columns.map(({ label, cell, numeric, heading, wide }) => {
              const name = `${numeric ? "numeric" : ""} ${wide ? "wide" : ""}`;
              return heading ? (
                <th key={label} role="rowheader" scope="row" class={`${name} heading`}>
                  {cell(row)}
                </th>
              ) : (
                <td key={label} role="cell" class={name} data-label={label}>
                  {cell(row)}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

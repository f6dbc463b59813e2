/** An answer that was asked for by a schema: as a table where it is a list of records or one, as a tree, as its text. */
import { useMemo, useState } from 'preact/hooks';
import { words } from '../words/words.js';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type View = 'table' | 'tree' | 'text';

export function JsonAnswer({ text }: { text: string }) {
  const value = useMemo(() => parsed(text), [text]);
  const [view, setView] = useState<View>('table');
  const t = words();
  // Cut off by its length limit, it is no JSON.
  if (value === undefined) return <pre class="raw-json">{text}</pre>;
  const views: [View, string][] = [
    ['table', t.asTable],
    ['tree', t.asTree],
    ['text', t.asText],
  ];
  return (
    <div class="json">
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields */}
      <div class="tabs" role="group" aria-label={t.jsonView}>
        {views.map(([name, label]) => (
          <button
            key={name}
            type="button"
            class="tab"
            aria-pressed={view === name}
            onClick={() => setView(name)}
          >
            {label}
          </button>
        ))}
      </div>
      {view === 'table' && (
        <div class="json-scroll">
          <Table value={value} />
        </div>
      )}
      {view === 'tree' && <Tree value={value} isOpen />}
      {view === 'text' && <pre class="raw-json">{JSON.stringify(value, null, 2)}</pre>}
    </div>
  );
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

const isRecord = (value: Json | undefined): value is { [name: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Records in a list are rows; a record's fields are rows of two cells; whatever is within is a table in its cell. */
function Table({ value }: { value: Json }) {
  if (Array.isArray(value) && value.length > 0 && value.every(isRecord))
    return <Records rows={value} />;
  if (Array.isArray(value)) return <List items={value} />;
  if (!isRecord(value)) return <Plain value={value} />;
  return (
    <table>
      <tbody>
        {Object.entries(value).map(([name, cell]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>
              <Table value={cell} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Records({ rows }: { rows: { [name: string]: Json }[] }) {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return (
    <table>
      <thead>
        <tr>
          {columns.map((name) => (
            <th key={name} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={index}>
            {columns.map((name) => (
              <td key={name}>{Object.hasOwn(row, name) && <Table value={row[name]!} />}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const List = ({ items }: { items: Json[] }) => (
  <ul>
    {items.map((item, index) => (
      <li key={index}>
        <Table value={item} />
      </li>
    ))}
  </ul>
);

const Plain = ({ value }: { value: Json }) => (
  <span data-type={value === null ? 'null' : typeof value}>{String(value)}</span>
);

function Tree({ value, name, isOpen }: { value: Json; name?: string; isOpen?: boolean }) {
  const label = name === undefined ? null : <span class="tree-name">{name}</span>;
  if (typeof value !== 'object' || value === null)
    return (
      <div class="tree-leaf">
        {label} <Plain value={value} />
      </div>
    );
  const entries = Object.entries(value);
  return (
    <details class="tree" open={isOpen}>
      <summary>
        {label} <span class="tree-size">{words().items(entries.length)}</span>
      </summary>
      {entries.map(([key, child]) => (
        <Tree key={key} name={key} value={child as Json} isOpen={isOpen} />
      ))}
    </details>
  );
}

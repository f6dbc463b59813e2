/** The schema that answers keep to. What is no JSON yet is told as it is typed, and not sent before it is. */
import { setSettings } from '../model/conversations.js';
import { schemaProblem } from '../model/schema.js';
import type { Settings } from '../model/types.js';
import { words } from '../words/words.js';
import { Field } from './fields.js';

const EXAMPLE = `{
  "type": "object",
  "properties": {
    "shape": { "enum": ["circle", "square", "triangle", "star", "other"] },
    "color": { "type": "string", "maxLength": 20 },
    "count": { "type": "integer", "minimum": 0, "maximum": 99 }
  },
  "required": ["shape", "color", "count"],
  "additionalProperties": false
}`;

export function SchemaField({ settings }: { settings: Settings }) {
  const t = words();
  const { schema } = settings;
  const isEmpty = schema.trim() === '';
  const problem = schemaProblem(schema);
  return (
    <>
      <Field label={t.schema} hint={isEmpty ? t.schemaHint : t.schemaGood} problem={problem}>
        {(ids) => (
          <textarea
            {...ids}
            class="code"
            rows={isEmpty ? 3 : 10}
            value={schema}
            spellcheck={false}
            aria-invalid={problem ? true : undefined}
            onInput={(event) => setSettings({ schema: event.currentTarget.value })}
          />
        )}
      </Field>
      {isEmpty && (
        <button
          type="button"
          class="button is-plain"
          onClick={() => setSettings({ schema: EXAMPLE })}
        >
          {t.schemaExample}
        </button>
      )}
    </>
  );
}

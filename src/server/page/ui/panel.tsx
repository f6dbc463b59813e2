/** The settings of the open conversation. */
import { setSettings } from '../model/conversations.js';
import { models } from '../model/link.js';
import { PLAIN } from '../model/start-settings.js';
import { current } from '../model/state.js';
import type { Settings } from '../model/types.js';
import { words } from '../words/words.js';
import { Button } from './button.js';
import { Field, NumberField, RangeField } from './fields.js';
import { Close } from './icons.js';
import { togglePanel } from './layout.js';
import { SchemaField } from './schema-field.js';

export function Panel() {
  const t = words();
  const { settings } = current.value;
  return (
    <aside class="panel" aria-label={t.settings} id="panel">
      <header class="panel-head">
        <h2>{t.settings}</h2>
        <Button name={t.closePanel} icon={Close} onClick={togglePanel} />
      </header>
      <div class="panel-body" key={current.value.id}>
        <p class="hint">{t.forThis}</p>
        <ModelField settings={settings} />
        <Field label={t.system} hint={t.systemHint}>
          {(ids) => (
            <textarea
              {...ids}
              rows={3}
              value={settings.system}
              onInput={(event) => setSettings({ system: event.currentTarget.value })}
            />
          )}
        </Field>
        <SchemaField settings={settings} />
        <Sampling settings={settings} />
        <NumberField
          label={t.frames}
          min={1}
          max={128}
          step={1}
          value={settings.frames}
          onChange={(frames) => setSettings({ frames: frames ?? PLAIN.frames })}
        />
        <button type="button" class="button is-plain" onClick={() => setSettings({ ...PLAIN })}>
          {t.reset}
        </button>
      </div>
    </aside>
  );
}

function ModelField({ settings }: { settings: Settings }) {
  const t = words();
  const known = models.value;
  const first = known[0]?.id;
  const isGone = settings.model !== '' && !known.some(({ id }) => id === settings.model);
  return (
    <Field label={t.model}>
      {(ids) => (
        <select
          {...ids}
          class="select"
          value={settings.model}
          onChange={(event) => setSettings({ model: event.currentTarget.value })}
        >
          <option value="">{first ? t.firstModel(first) : t.noModels}</option>
          {isGone && <option value={settings.model}>{settings.model}</option>}
          {known.map(({ id }) => (
            <option key={id} value={id}>
              {id}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

type Optional = 'topP' | 'topK' | 'repetitionPenalty' | 'seed';

const OPTIONAL: readonly { name: Optional; min: number; max: number; step: number }[] = [
  { name: 'topP', min: 0, max: 1, step: 0.01 },
  { name: 'topK', min: 0, max: 100_000, step: 1 },
  { name: 'repetitionPenalty', min: 0.5, max: 2, step: 0.01 },
  { name: 'seed', min: 0, max: 4_294_967_295, step: 1 },
];

function Sampling({ settings }: { settings: Settings }) {
  const t = words();
  return (
    <fieldset class="group">
      <legend>{t.sampling}</legend>
      <RangeField
        label={t.temperature}
        hint={t.temperatureHint}
        min={0}
        max={2}
        step={0.05}
        value={settings.temperature}
        onChange={(value) => setSettings({ temperature: value ?? PLAIN.temperature })}
      />
      {OPTIONAL.map(({ name, ...bounds }) => (
        <NumberField
          key={name}
          label={t[name]}
          placeholder={name === 'seed' ? t.drawn : t.own}
          value={settings[name]}
          mayBeEmpty
          onChange={(value) => setSettings({ [name]: value })}
          {...bounds}
        />
      ))}
      <NumberField
        label={t.maxTokens}
        min={1}
        max={1_000_000}
        step={1}
        value={settings.maxTokens}
        onChange={(value) => setSettings({ maxTokens: value ?? PLAIN.maxTokens })}
      />
      <StopField settings={settings} />
    </fieldset>
  );
}

function StopField({ settings }: { settings: Settings }) {
  const t = words();
  const shown = settings.stop.map((text) => text.replaceAll('\n', '\\n')).join('\n');
  const take = (typed: string) => {
    const stop = typed.split('\n').map((line) => line.replaceAll('\\n', '\n'));
    setSettings({ stop: stop.filter((text) => text !== '') });
  };
  return (
    <Field label={t.stopTexts} hint={t.stopHint}>
      {(ids) => (
        <textarea
          {...ids}
          rows={2}
          key={shown}
          defaultValue={shown}
          onChange={(event) => take(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

/** Tokens of the prompt and of the answer, how many were cached, and how long each stage took as bars on one scale. */
import type { Seen } from '../model/types.js';
import { words } from '../words/words.js';
import { seconds, whole } from './units.js';

const STAGES = ['open', 'queue', 'decode', 'encode', 'prefill', 'generate'];

export function Timings({ seen }: { seen: Seen }) {
  return (
    <div class="seen-numbers">
      <Tokens usage={seen.usage} />
      <Stages timings={seen.timings} tokens={seen.usage.completionTokens} />
    </div>
  );
}

function Tokens({ usage }: { usage: Seen['usage'] }) {
  const t = words();
  const share = (part: number) =>
    `${whole(part)} (${Math.round((part / Math.max(usage.promptTokens, 1)) * 100)} %)`;
  const lines: [string, string, boolean][] = [
    [t.promptTokens, whole(usage.promptTokens), false],
    [t.imageTokens, share(usage.imageTokens), true],
    [t.cachedTokens, share(usage.cachedTokens), true],
    [t.completionTokens, whole(usage.completionTokens), false],
  ];
  return (
    <table class="seen-tokens">
      <caption>{t.usage}</caption>
      <tbody>
        {lines.map(([name, value, isPart]) => (
          <tr key={name} class={isPart ? 'is-part' : undefined}>
            <th scope="row">{name}</th>
            <td>{value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Stages({ timings, tokens }: { timings: Seen['timings']; tokens: number }) {
  const t = words();
  const known = STAGES.filter((name) => timings[`${name}_ms`] !== undefined);
  const longest = Math.max(...known.map((name) => timings[`${name}_ms`]!), 1);
  const writing = timings.generate_ms ?? 0;
  if (known.length === 0) return null;
  return (
    <table class="seen-stages">
      <caption>{t.time}</caption>
      <tbody>
        {known.map((name) => (
          <tr key={name}>
            <th scope="row">{t.stages[name]}</th>
            <td aria-hidden="true">
              <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                <rect width={Math.max((timings[`${name}_ms`]! / longest) * 100, 0.5)} height="8" />
              </svg>
            </td>
            <td>{seconds(timings[`${name}_ms`]!)}</td>
          </tr>
        ))}
        {writing > 0 && tokens > 1 && (
          <tr class="is-part">
            <td colSpan={3}>{t.perSecond(((tokens / writing) * 1000).toFixed(1))}</td>
          </tr>
        )}
      </tbody>
    </table>
  );
}

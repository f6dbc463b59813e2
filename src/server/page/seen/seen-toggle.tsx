/** Opens what the model saw, and says how much it was. */
import type { Seen } from '../model/types.js';
import { words } from '../words/words.js';
import { Eye } from './eye.js';
import { seconds } from './units.js';

interface ToggleProps {
  seen: Seen;
  isOpen: boolean;
  /** Of what it opens. */
  controls: string;
  onToggle: () => void;
}

export function SeenToggle({ seen, isOpen, controls, onToggle }: ToggleProps) {
  const t = words();
  const { promptTokens, completionTokens } = seen.usage;
  const total = seen.timings.total_ms;
  return (
    <button
      type="button"
      class="seen-toggle"
      aria-expanded={isOpen}
      aria-controls={controls}
      onClick={onToggle}
    >
      <Eye />
      <span>{t.saw}</span>
      <span class="seen-facts">
        {t.tokens(promptTokens + completionTokens)}
        {total !== undefined && ` · ${seconds(total)}`}
      </span>
    </button>
  );
}

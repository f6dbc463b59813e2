/** The list of keys. */
import { words } from '../words/words.js';
import { Dialog } from './dialog.js';
import { overlay } from './layout.js';
import { isMac } from './shortcuts.js';

export function HelpDialog() {
  if (overlay.value !== 'help') return null;
  const t = words();
  const mod = isMac ? '⌘' : 'Ctrl';
  const lines: [string, ...string[]][] = [
    [t.keys.send, 'Enter'],
    [t.keys.newline, 'Shift', 'Enter'],
    [t.keys.stop, 'Esc'],
    [t.keys.newChat, mod, 'Shift', 'O'],
    [t.keys.search, mod, 'K'],
    [t.keys.sidebar, mod, 'B'],
    [t.keys.panel, mod, '.'],
    [t.keys.add, mod, 'U'],
    [t.keys.focus, 'Shift', 'Esc'],
    [t.keys.turns, 'Alt', '↑ ↓'],
    [t.keys.move, 'Alt', '← →'],
    [t.keys.drop, 'Delete'],
    [t.keys.help, '?'],
  ];
  return (
    <Dialog
      title={t.shortcuts}
      onClose={() => {
        overlay.value = null;
      }}
      look="is-small"
    >
      <dl class="keys">
        {lines.map(([what, ...keys]) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

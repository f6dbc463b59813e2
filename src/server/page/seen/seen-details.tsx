/** Below an answer, closed at first: what the model saw of each picture and clip, tokens, milliseconds per stage. */
import { useId, useState } from 'preact/hooks';
import { turns } from '../model/state.js';
import { branch } from '../model/tree.js';
import type { Media, Seen, SeenMedia, Turn } from '../model/types.js';
import { words } from '../words/words.js';
import { Eye } from './eye.js';
import { SeenClip } from './seen-clip.js';
import { SeenPicture } from './seen-picture.js';
import { Timings } from './timings.js';
import { seconds } from './units.js';

export function SeenDetails({ turn, seen }: { turn: Turn; seen: Seen }) {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const t = words();
  const { promptTokens, completionTokens } = seen.usage;
  const total = seen.timings.total_ms;
  return (
    <section class="seen">
      <button type="button" class="seen-toggle" aria-expanded={isOpen} aria-controls={id}
        onClick={() => setOpen(!isOpen)}>
        <Eye />
        <span>{t.saw}</span>
        <span class="seen-facts">
          {t.tokens(promptTokens + completionTokens)}
          {total !== undefined && ` · ${seconds(total)}`}
        </span>
      </button>
      <div id={id} class="seen-body" hidden={!isOpen}>
        {isOpen && <Body turn={turn} seen={seen} />}
      </div>
    </section>
  );
}

function Body({ turn, seen }: { turn: Turn; seen: Seen }) {
  const [isAll, setAll] = useState(false);
  const pairs = paired(turn, seen);
  const question = branch(turns.value, turn.parent).at(-1);
  const fresh = pairs.filter(({ media }) => question?.media.includes(media));
  const listed = isAll ? pairs : fresh;
  const hidden = pairs.length - listed.length;
  return (
    <>
      {listed.map(({ media, saw }) =>
        saw.kind === 'image' ? (
          <SeenPicture key={media.id} media={media} seen={saw} />
        ) : (
          <SeenClip key={media.id} media={media} seen={saw} />
        ),
      )}
      {hidden > 0 && (
        <button type="button" class="button is-plain" onClick={() => setAll(true)}>
          {words().showEarlier(hidden)}
        </button>
      )}
      <Timings seen={seen} />
    </>
  );
}

/** The server tells of all media of the conversation, in its order. */
function paired(turn: Turn, seen: Seen): { media: Media; saw: SeenMedia }[] {
  const all = branch(turns.value, turn.parent).flatMap(({ media }) => media);
  return all.flatMap((media, index) => {
    const saw = seen.media[index];
    return saw ? [{ media, saw }] : [];
  });
}

/** Below an answer, where it is wanted: what the model saw of each picture and clip, tokens, milliseconds per stage. */
import { useState } from 'preact/hooks';
import { turns } from '../model/state.js';
import { branch } from '../model/tree.js';
import type { Media, Seen, SeenMedia, Turn } from '../model/types.js';
import { words } from '../words/words.js';
import { SeenClip } from './seen-clip.js';
import { SeenPicture } from './seen-picture.js';
import { Timings } from './timings.js';

export function SeenDetails({ turn, seen, id }: { turn: Turn; seen: Seen; id: string }) {
  const [isAll, setAll] = useState(false);
  const pairs = paired(turn, seen);
  const question = branch(turns.value, turn.parent).at(-1);
  const fresh = pairs.filter(({ media }) => question?.media.includes(media));
  const listed = isAll ? pairs : fresh;
  const hidden = pairs.length - listed.length;
  return (
    <section class="seen-body" id={id} aria-label={words().saw}>
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
    </section>
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

/** What a reader does with the open conversation: asks, stops, asks again or otherwise, lets the model go on, turns to a sibling. */
import { words } from '../words/words.js';
import { answer, answerer, liveIn } from './answering.js';
import type { Draft } from './draft.js';
import { link, models, wantsKey } from './link.js';
import { keepMedia } from './media.js';
import { newId } from './new-id.js';
import { say } from './notices.js';
import { change, current, turns } from './state.js';
import { branch, newestLeaf } from './tree.js';
import type { Id, Media, Turn } from './types.js';

/** Whether a question would go out now. */
export const canAsk = (): boolean =>
  link.value === 'up' && !wantsKey.value && !liveIn(current.value.id);

const TITLE_LENGTH = 60;

/** Whether `model` is the one of the demonstration, which knows a few English questions and nothing else. */
export const isDemo = (): boolean => {
  const asked = current.value.settings.model || models.value[0]?.id;
  return asked !== undefined && /\bdemo\b/i.test(asked);
};

/** What is asked of pictures where nobody wrote a question. */
export function questionAbout(media: readonly Media[]): string {
  const { describeVideo, describeImage, describeImages } = words();
  if (isDemo() && media.length === 1 && media[0]?.kind === 'image') return 'Describe the image.';
  if (media.every(({ kind }) => kind === 'video')) return describeVideo;
  return media.length > 1 ? describeImages : describeImage;
}

/** Asks what `draft` has, after `parent`, and empties it. */
export async function ask(draft: Draft, parent: Id | null = current.value.leaf): Promise<void> {
  if (!canAsk() || draft.isEmpty) return;
  const conversation = current.value;
  const media = [...draft.media.value];
  const text = draft.text.value.trim() || questionAbout(media);
  draft.clear();
  const question: Turn = { ...newTurn('user', parent), text, media };
  const reply = reserved(question.id);
  const title = conversation.title || titleOf(text);
  // Not awaited before: the reader may go elsewhere meanwhile, and what cannot be kept is asked all the same.
  const keeping = keepMedia(media);
  await begin([question, reply], { title });
  await keeping;
}

function newTurn(role: Turn['role'], parent: Id | null): Turn {
  const conversation = current.value.id;
  const created = Date.now();
  return { id: newId(), conversation, parent, role, text: '', media: [], created };
}

/** An answer that is still to be written. */
function reserved(question: Id): Turn {
  const conversation = current.value;
  return {
    ...newTurn('assistant', question),
    state: 'writing',
    model: answerer(conversation),
    isJson: conversation.settings.schema.trim() !== '' || undefined,
  };
}

function titleOf(text: string): string {
  const line = text.split('\n', 1)[0] ?? '';
  return line.length > TITLE_LENGTH ? `${line.slice(0, TITLE_LENGTH - 1).trimEnd()}…` : line;
}

/** @param added the last is the answer */
async function begin(added: Turn[], values: { title?: string } = {}): Promise<void> {
  const reply = added.at(-1)!;
  const all = [...turns.value.filter(({ id }) => !added.some((turn) => turn.id === id)), ...added];
  say(words().writing);
  const keeping = change(reply.conversation, { leaf: reply.id, ...values }, ...added);
  await answer(reply, all);
  await keeping;
}

/** Another answer to the same question. */
export async function askAgain(turn: Turn): Promise<void> {
  if (canAsk() && turn.parent) await begin([reserved(turn.parent)]);
}

/** The same question otherwise: a branch of its own. */
export async function askInstead(turn: Turn, draft: Draft): Promise<void> {
  await ask(draft, turn.parent);
}

/** Lets the model go on in an answer that was cut off. */
export async function goOn(turn: Turn): Promise<void> {
  if (canAsk()) await begin([{ ...turn, state: 'writing', error: undefined }]);
}

export function stop(): void {
  liveIn(current.value.id)?.abort.abort();
}

/** The branch through `turn` is shown, to where it was written last. */
export function showBranch(turn: Turn): void {
  void change(turn.conversation, { leaf: newestLeaf(turns.value, turn.id) });
}

/** Whether `turn` lies on the branch that is shown. */
export const isShown = (turn: Turn): boolean =>
  branch(turns.value, current.value.leaf).some(({ id }) => id === turn.id);

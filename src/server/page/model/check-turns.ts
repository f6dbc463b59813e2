/** Conversations and turns of a file, checked field by field, to ones of the page's own kinds. Ids are still those of the file. */
import { checkSeen } from './check-seen.js';
import type { Checked } from './checked.js';
import type { Conversation, Media, Settings, Turn } from './types.js';

const MAX = { id: 100, title: 10_000, name: 10_000, text: 10_000_000, turns: 100_000, media: 1000 };
const MAX_TIME = 8.64e15;
const STATES = ['writing', 'done', 'stopped', 'length', 'failed'] as const;
/** No SVG: it is a document. */
const MEDIA_TYPE = /^(?:image\/(?!svg)|video\/)[a-z0-9][a-z0-9.+-]{0,80}$/;

/** @throws BadImport */
export function checkConversation(given: Checked): { conversation: Conversation; turns: Turn[] } {
  const id = given.field('id').text(MAX.id);
  const turns = given.field('turns').list(MAX.turns);
  const leaf = given.field('leaf');
  return {
    conversation: {
      id,
      title: given.field('title').text(MAX.title),
      created: given.field('created').number(0, MAX_TIME),
      changed: given.field('changed').number(0, MAX_TIME),
      leaf: leaf.isAbsent ? null : leaf.text(MAX.id),
      settings: checkSettings(given.field('settings')),
    },
    turns: turns.map((turn) => checkTurn(turn, id)),
  };
}

/** Whether the server takes them is the server's to say. */
function checkSettings(given: Checked): Settings {
  const number = (name: string) => given.field(name).number(-Number.MAX_VALUE, Number.MAX_VALUE);
  const orNull = (name: string) => (given.field(name).isAbsent ? null : number(name));
  const stops = given.field('stop').list(1000);
  return {
    model: given.field('model').text(MAX.name),
    system: given.field('system').text(MAX.text),
    temperature: number('temperature'),
    topP: orNull('topP'),
    topK: orNull('topK'),
    repetitionPenalty: orNull('repetitionPenalty'),
    maxTokens: number('maxTokens'),
    seed: orNull('seed'),
    stop: stops.map((stop) => stop.text(MAX.name)),
    schema: given.field('schema').text(MAX.text),
    frames: number('frames'),
  };
}

function checkTurn(given: Checked, conversation: string): Turn {
  const parent = given.field('parent');
  const media = given.field('media').list(MAX.media);
  const has = (name: string) => !given.field(name).isAbsent;
  return {
    id: given.field('id').text(MAX.id),
    conversation,
    parent: parent.isAbsent ? null : parent.text(MAX.id),
    role: given.field('role').choice(['user', 'assistant']),
    text: given.field('text').text(MAX.text),
    media: media.map(checkMedia),
    created: given.field('created').number(0, MAX_TIME),
    ...(has('state') && { state: given.field('state').choice(STATES) }),
    ...(has('error') && { error: given.field('error').text(MAX.text) }),
    ...(has('model') && { model: given.field('model').text(MAX.name) }),
    ...(has('isJson') && { isJson: given.field('isJson').flag() }),
    ...(has('seen') && { seen: checkSeen(given.field('seen')) }),
  };
}

function checkMedia(given: Checked): Media {
  const kind = given.field('kind').choice(['image', 'video']);
  const type = given.field('type').text(100).toLowerCase();
  if (!MEDIA_TYPE.test(type) || !type.startsWith(kind))
    throw given.field('type').wrong('the type of a picture or clip, as in image/png');
  return {
    ...{ id: given.field('id').text(MAX.id), kind, type, name: given.field('name').text(MAX.name) },
    bytes: given.field('bytes').number(0, Number.MAX_SAFE_INTEGER),
  };
}

/**
 * The one table of every place where the two reference implementations differ; no other file asks for a dialect's name.
 * `llava-next` is LLaVA-NeXT, whose code trained the model; `transformers` is Hugging Face's port.
 */
import { invalidArgument } from './errors.js';

export type Dialect = 'llava-next' | 'transformers';

/** How frames are picked: 'linspace' ends on the last frame, 'arange' never reaches it. */
export type FrameSampling = 'linspace' | 'arange';

export const DIALECTS: readonly Dialect[] = ['llava-next', 'transformers'];

export interface DialectRules {
  /** Rows or columns that survive the unpadding of a feature map, from their exact (floating point) number. */
  readonly unpaddedLength: (exact: number) => number;
  readonly template: PromptTemplate;
  /** Special tokens that end an answer. */
  readonly stopTokens: readonly string[];
  readonly frameSampling: FrameSampling;
  /** Null: the repetition penalty counts generated tokens only (LLaVA-NeXT generates from embeddings and never sees the
   *  prompt's ids). Else it counts the prompt's too, each media part as the special token named here. */
  readonly penalizedMedia: { readonly image: string; readonly video: string } | null;
}

export interface PromptTemplate {
  /** Stands between a role and the message. */
  readonly afterRole: string;
  /** Stands after the <|im_end|> of a message. */
  readonly afterEnd: string;
  /** True: a message's images, then its videos, back to back, then each text on its own line.
   *  False: parts in the user's order, joined as chatml.ts says. */
  readonly mediaFirst: boolean;
  /** Role header only, not closed, for a message without content. */
  readonly emptyIsOpen: boolean;
  /** Used when a conversation has no system message. */
  readonly defaultSystem: string | null;
}

const rules: Readonly<Record<Dialect, DialectRules>> = {
  'llava-next': {
    unpaddedLength: Math.trunc,
    template: {
      afterRole: '\n',
      afterEnd: '\n',
      mediaFirst: false,
      emptyIsOpen: true,
      defaultSystem: 'You are a helpful assistant.',
    },
    stopTokens: ['<|im_end|>', '<|endoftext|>'],
    frameSampling: 'linspace',
    penalizedMedia: null,
  },
  transformers: {
    // Python's int(round(x, 7)). toFixed breaks exact ties upwards where Python takes the even digit, but such a
    // tie is a multiple of 1/256, so the digit it settles never carries into the whole number.
    unpaddedLength: (exact) => Math.trunc(Number(exact.toFixed(7))),
    template: {
      afterRole: ' ',
      afterEnd: '',
      mediaFirst: true,
      emptyIsOpen: false,
      defaultSystem: null,
    },
    stopTokens: ['<|im_end|>'],
    frameSampling: 'arange',
    penalizedMedia: { image: '<image>', video: '<video>' },
  },
};

/** @throws ERR_INVALID_ARGUMENT */
export function dialectRules(dialect: Dialect): DialectRules {
  if (!DIALECTS.includes(dialect))
    throw invalidArgument('dialect', DIALECTS.map((name) => `'${name}'`).join(' or '), dialect);
  return rules[dialect];
}

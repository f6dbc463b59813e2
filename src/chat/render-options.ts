/** How a conversation is looked at without an answer: what `render` and `embed` take, checked. */
import {
  checkBoolean,
  checkChoice,
  checkOptions,
  checkSignal,
  readable,
} from '../option-checks.js';
import { MULTI_IMAGE, type MultiImage } from '../vision/image-plan.js';
import { checkTools, type Tool } from './tool-options.js';

export interface RenderOptions {
  /** What several images become. Default: the model's. */
  multiImage?: MultiImage;
  /** As the chat has it. */
  continueFinalMessage?: boolean;
  /** As the chat has them. */
  tools?: readonly Tool[];
  signal?: AbortSignal;
}

/** @throws ERR_INVALID_ARGUMENT */
export function checkRenderOptions(given: unknown) {
  const { signal, multiImage, tools, continueFinalMessage } = checkOptions<RenderOptions>(
    'options',
    given,
    ['multiImage', 'continueFinalMessage', 'tools', 'signal'],
  );
  return {
    isContinued: checkBoolean('continueFinalMessage', continueFinalMessage, false),
    tools: readable('tools', tools, () => (tools === undefined ? undefined : checkTools(tools))),
    signal: checkSignal('signal', signal),
    multiImage: checkChoice('multiImage', multiImage, { of: MULTI_IMAGE, fallback: undefined }),
  };
}

/** Who answers: a model in this process or a server. */
import type { Part } from '../prompt/messages.js';
import type { MultiImage } from '../vision/image-plan.js';

export interface Asker {
  /** Decides with whom a results folder may go on. */
  readonly identity: Readonly<Record<string, string>>;
  /** For reports: names of files, or of a server's model. */
  readonly label: string;
  /**
   * @throws LlavaError for what fails one question; `isFatal` says that it would fail all; signal.reason
   */
  ask(question: Question, signal: AbortSignal): Promise<Reply>;
}

export interface Question {
  content: Part[];
  maxTokens: number;
  /** What several pictures become; a server decides that itself. */
  multiImage: MultiImage;
}

export interface Reply {
  /** Without special tokens; not stripped. */
  text: string;
  finishReason: string;
  promptTokens: number;
  visualTokens: number;
  answerTokens: number;
}

/** One question to a judge, as it is written for judges that are asked elsewhere. */

export interface JudgeRequest {
  /** The sample's id, or `id#aspect`; unique in a part. */
  id: string;
  messages: readonly { role: 'system' | 'user'; content: string }[];
  /** The judge sees the sample's pictures, before the text of the last message. */
  hasImages?: boolean;
  maxTokens: number;
  /** Temperatures of the attempts, one after the other until `accepts`; the last reply counts in any case. Default [0]. */
  temperatures?: readonly number[];
  /** Wants one JSON object. */
  json?: boolean;
  /** How the reply is read, for people: 'Rating: 1-5'. */
  rule: string;
  /** Whether a reply can be read. Default: any can. */
  accepts?(reply: string): boolean;
}

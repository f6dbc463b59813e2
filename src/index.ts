/** Everything the package offers. */
export type { BackendChoice, BackendInfo } from './addon/backend.js';
export { type Device, devices } from './addon/devices.js';
export type { BatchAnswer } from './batch/batch.js';
export type { BatchOptions, BatchProgress } from './batch/batch-options.js';
export type { BatchStream } from './batch/batch-stream.js';
export type { BatchItem } from './batch/item.js';
export type { ChatOptions, ChatProgress } from './chat/chat-options.js';
export type { ChatChunk, ChatResult, ChatStream, ChatTimings } from './chat/chat-stream.js';
export type { RenderedPrompt } from './chat/conversation.js';
export type {
  Box,
  ClipGeometry,
  ImageGeometry,
  MediaGeometry,
} from './chat/media-geometry.js';
export type { RenderOptions } from './chat/render-options.js';
export type { SamplingOptions } from './chat/sampling.js';
export type { ToolCallDelta } from './chat/tool-call-reader.js';
export type { Tool, ToolChoice } from './chat/tool-options.js';
export { type ConvertOptions, type ConvertResult, convert } from './convert/convert.js';
export {
  type ConvertLoraOptions,
  type ConvertLoraResult,
  convertLora,
} from './convert/convert-lora.js';
export type { Outtype } from './convert/outtypes.js';
export { type QuantizeOptions, type QuantizeResult, quantize } from './convert/quantize.js';
export type { Dialect } from './dialect.js';
export { LlavaError, type LlavaErrorCode } from './errors.js';
export { jsonSchemaToGrammar } from './grammar/json-schema-to-grammar.js';
export type { Parsed, ResponseFormat } from './grammar/response-format.js';
export type { StandardSchema } from './grammar/standard-schema.js';
export {
  type PulledFile,
  type PullOptions,
  type PullProgress,
  type PullResult,
  pull,
} from './hub/pull.js';
export {
  type EmbeddedMedia,
  LlavaOneVision,
  type ModelInfo,
  type ModelStats,
} from './llava-onevision.js';
export type { LoadOptions, LoadProgress, LogLevel } from './load/load-options.js';
export type { LoraAdapter } from './load/lora-options.js';
export type { DeviceMemory, MemoryEstimate } from './load/memory.js';
export type { ImageSource, RawImage } from './media/image.js';
export type { VideoSource } from './media/video.js';
export {
  type ModelFiles,
  type ResolveOptions,
  type ResolveProgress,
  resolveModel,
} from './models/resolve-model.js';
export type {
  ImageDetail,
  ImagePart,
  Message,
  Part,
  TextPart,
  ToolCall,
  VideoPart,
} from './prompt/messages.js';
export type { Session, SessionOptions } from './session/session.js';
export type { VerifyOptions } from './verify/checked.js';
export type { CheckResult, VerifyReport } from './verify/report.js';
export { verify } from './verify/verify.js';
export type { Grid, Size } from './vision/grid.js';
export type { MultiImage } from './vision/image-plan.js';

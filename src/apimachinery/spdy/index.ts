export { FrameDecoder } from './decoder.ts';
export { dataHead, FrameEncoder } from './encoder.ts';
export { SpdyError } from './errors.ts';
export { GOAWAY, RST, SETTING_INITIAL_WINDOW } from './frames.ts';
export type { ControlFrame, Frame, Setting } from './frames.ts';
export type { Headers } from './headers.ts';

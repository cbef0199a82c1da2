/** Told what a builder does, in a few words each time. */
export type Progress = (message: string) => void;

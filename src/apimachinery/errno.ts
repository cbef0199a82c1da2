/** What the operating system said went wrong, read from the `code` Node.js gives its errors. */

/** E.g. `ENOENT`; empty for errors that are not the system's. */
export const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '');

/** A file is not there; or the process or control group is gone whose file it was. */
const GONE: readonly string[] = ['ENOENT', 'ENOTDIR', 'ESRCH', 'ENODEV'];

export const isMissing = (error: unknown): boolean => GONE.includes(codeOf(error));

/** `readFile(path).catch(missingAs(''))`: absence is an answer, everything else stays an error. */
export const missingAs = <T>(value: T) => (error: unknown): T => {
  if (isMissing(error)) {
    return value;
  }
  throw error;
};

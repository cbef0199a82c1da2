/** Runs a program of the host to its end. */
import { execFile } from 'node:child_process';

/** mount and umount take milliseconds; one that hangs is given up. */
const TIMEOUT_MS = 20_000;

/** Rejects with the program's own words. */
export function runProgram(program: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(program, [...args], { timeout: TIMEOUT_MS }, (error, _stdout, stderr) => {
      if (error === null) {
        resolve();
      } else {
        reject(new Error(stderr.trim() === '' ? error.message : stderr.trim(), { cause: error }));
      }
    });
  });
}

/** What a support bundle may show: of objects their metadata without values, of logs the lines without anything that opens a door. */
import { isObject } from '../../apimachinery/values.ts';

export const REDACTED = '[redacted]';
/** Members of metadata that are shown as they are. */
const SHOWN = [
  'name', 'generateName', 'namespace', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds',
  'finalizers', 'ownerReferences', 'labels',
] as const;
/** Words after which a log line may tell a secret. */
const PATTERNS: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /\beyJ[\w-]{6,}\.[\w-]+\.[\w-]*/g,
  /\b(?:bearer|basic)\s+[\w.~+/=-]{8,}/gi,
  /(?<=\b(?:password|passwd|passphrase|token|secret|authorization|client-key-data)\\?["']?\s*[:=]\s*\\?["']?)[^\s"',}\\]+/gi,
];
/** Shorter values would blacken half the log. */
const MIN_SECRET_CHARS = 8;

/** An object's metadata: annotations by their keys alone, since tools keep whole objects in them; who manages which field is left out. */
export function shownMetadata(metadata: unknown): Record<string, unknown> {
  if (!isObject(metadata)) {
    return {};
  }
  const shown: Record<string, unknown> = {};
  for (const name of SHOWN) {
    if (metadata[name] !== undefined) {
      shown[name] = metadata[name];
    }
  }
  if (isObject(metadata['annotations'])) {
    shown['annotations'] = Object.keys(metadata['annotations']);
  }
  return shown;
}

/** A text without private keys, tokens and passwords, nor any of the `secrets`. */
export function redacted(text: string, secrets: readonly string[]): string {
  let result = text;
  for (const secret of secrets) {
    if (secret.length >= MIN_SECRET_CHARS) {
      result = result.replaceAll(secret, REDACTED);
    }
  }
  for (const pattern of PATTERNS) {
    result = result.replace(pattern, REDACTED);
  }
  return result;
}

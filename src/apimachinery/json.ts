/** Request bodies that are JSON or YAML texts, with limits on their depth and notice of members given twice. */
import type { Json } from './object.ts';
import { badRequest, StatusError, tooLarge, unsupportedMediaType } from './status.ts';
import { findDuplicates } from './jsonduplicates.ts';
import { JsonDepthError, JsonTextError, JsonWidthError, readJsonInSteps } from './jsonsteps.ts';
import { parseYaml } from './yaml.ts';

/** Objects and lists inside one another; deeper documents are refused before they are parsed. */
export const MAX_JSON_DEPTH = 100;

export interface ParsedBody {
  value: Json;
  /** `duplicate field "spec.replicas"`, at most a hundred, or for YAML one text that names all. The last value counts. */
  duplicates: string[];
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;

/** Depth of a JSON text and how many object members and commas it has, without parsing it. */
function measure(bytes: Uint8Array): { depth: number; members: number; commas: number } {
  let depth = 0;
  let deepest = 0;
  let members = 0;
  let commas = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    switch (bytes[at]) {
      case QUOTE:
        at += 1;
        while (at < bytes.length && bytes[at] !== QUOTE) {
          at += bytes[at] === BACKSLASH ? 2 : 1;
        }
        break;
      case COLON: members += 1; break;
      case COMMA: commas += 1; break;
      case 0x7b: case 0x5b:
        depth += 1;
        deepest = Math.max(deepest, depth);
        break;
      case 0x7d: case 0x5d: depth -= 1; break;
      default:
    }
  }
  return { depth: deepest, members, commas };
}

function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) {
    return 0;
  }
  let count = 0;
  if (Array.isArray(value)) {
    for (const element of value) {
      count += countMembers(element);
    }
    return count;
  }
  for (const member of Object.values(value)) {
    count += 1 + countMembers(member);
  }
  return count;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Throws BadRequest for what is no UTF-8. */
export function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    throw malformed('invalid UTF-8', error);
  }
}

const malformed = (why: string, cause: unknown): StatusError =>
  Object.assign(badRequest(`error decoding request body: ${why}`), { cause });

function parseJson(bytes: Uint8Array): ParsedBody {
  const { depth, members } = measure(bytes);
  if (depth > MAX_JSON_DEPTH) {
    throw malformed(`exceeded max depth of ${MAX_JSON_DEPTH}`, undefined);
  }
  const text = textOf(bytes);
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw malformed(`invalid JSON: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  return { value, duplicates: countMembers(value) === members ? [] : findDuplicates(text) };
}

/** About how many values a JSON text has, found out without parsing it: what reading it and all that follows costs depends on that. */
export function countValues(bytes: Uint8Array): number {
  const { members, commas } = measure(bytes);
  return Math.max(members, commas);
}

/** A JSON body in steps. Throws BadRequest as parseBody does, and RequestEntityTooLarge for an object of more than so many members. */
export function* parseJsonInSteps(bytes: Uint8Array, maxMembers: number): Generator<undefined, ParsedBody, undefined> {
  try {
    return yield* readJsonInSteps(textOf(bytes), { depth: MAX_JSON_DEPTH, members: maxMembers });
  } catch (error) {
    if (error instanceof JsonDepthError) {
      throw malformed(error.message, error);
    }
    if (error instanceof JsonWidthError) {
      throw Object.assign(tooLarge(`Request entity too large: ${error.message}`), { cause: error });
    }
    throw error instanceof JsonTextError ? malformed(`invalid JSON: ${error.message}`, error) : error;
  }
}

/** YAML that is JSON, as most clients send it, is read as such: a hundred times faster. */
function parseYamlOrJson(bytes: Uint8Array): ParsedBody {
  const text = textOf(bytes);
  if (text.trimStart().startsWith('{')) {
    try {
      return parseJson(bytes);
    } catch (error) {
      if (!(error instanceof StatusError)) {
        throw error;
      }
      // Flow style with YAML's liberties, or broken: YAML's reader says which.
    }
  }
  return parseYaml(text, MAX_JSON_DEPTH);
}

/** Reads a body. Throws BadRequest for what is malformed or too deep, UnsupportedMediaType for other types. */
export function parseBody(bytes: Uint8Array, contentType: string): ParsedBody {
  const mediaType = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  switch (mediaType) {
    case '': case 'application/json': return parseJson(bytes);
    case 'application/yaml': case 'application/apply-patch+yaml': return parseYamlOrJson(bytes);
    default:
      if (mediaType.endsWith('+json')) {
        return parseJson(bytes);
      }
      throw unsupportedMediaType(`the body of the request was in an unknown format - accepted media types include: application/json, application/yaml`);
  }
}

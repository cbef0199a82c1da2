/**
 * Bodies, parsed. Short ones when they are asked for; long ones before the request is dispatched, in steps or by another thread, because the
 * one thread that answers everybody must not be held up by what one client sends.
 */
import { countValues, parseBody, parseJsonInSteps, textOf, type ParsedBody } from '../../apimachinery/json.ts';
import { isStatusError, StatusError, tooLarge } from '../../apimachinery/status.ts';
import { BIG_BODY_BYTES, MAX_BODY_VALUES, MAX_MEMBERS, STEPPED_VALUES } from '../limits.ts';
import { paced } from '../pace.ts';
import type { Body, Call } from '../types.ts';
import { APPLY_PATCH, JSON_TYPE, mediaTypeOf, PROTOBUF_TYPE, YAML_TYPE } from './mediatype.ts';
import { YamlReader } from './yamlreader.ts';

/** What became of the bodies that were read beforehand: the value, or the refusal that whoever asks for it gets. */
const outcomes = new WeakMap<Uint8Array, ParsedBody | StatusError>();
/** One for all servers of the process, since all share its processors. */
const yaml = new YamlReader();

const isYaml = (mediaType: string): boolean => mediaType === YAML_TYPE || mediaType === APPLY_PATCH;
const startsAsJson = (text: string): boolean => text.trimStart().startsWith('{');

/** Whether what is done with a body is worth resting in between. */
export const isBig = (body: Body): boolean => body.kind === 'bytes' && body.bytes.length > BIG_BODY_BYTES;

const tooMany = (): StatusError => tooLarge(`Request entity too large: a body may have at most ${MAX_BODY_VALUES} values`);

/** A body of JSON or YAML bytes. Throws BadRequest, RequestEntityTooLarge and UnsupportedMediaType. */
export function parsedBody(bytes: Buffer, mediaType: string): ParsedBody {
  const outcome = outcomes.get(bytes);
  if (outcome instanceof StatusError) {
    throw outcome;
  }
  return outcome ?? parseBody(bytes, mediaType);
}

/** Undefined when there are too few values for it to pay. */
async function readJson(bytes: Uint8Array): Promise<ParsedBody | undefined> {
  const values = countValues(bytes);
  if (values > MAX_BODY_VALUES) {
    throw tooMany();
  }
  return values < STEPPED_VALUES ? undefined : paced(parseJsonInSteps(bytes, MAX_MEMBERS));
}

async function readYaml(user: string, text: string): Promise<ParsedBody> {
  const { json, duplicates } = await yaml.read(user, text);
  const value = await readJson(json) ?? parseBody(json, JSON_TYPE);
  return { value: value.value, duplicates };
}

async function readYamlOrJson(user: string, bytes: Buffer, mediaType: string): Promise<ParsedBody> {
  const text = textOf(bytes);
  if (!startsAsJson(text)) {
    return readYaml(user, text);
  }
  let read: ParsedBody;
  try {
    read = await readJson(bytes) ?? parseBody(bytes, JSON_TYPE);
  } catch (error) {
    // Flow style with YAML's liberties, or broken: YAML's reader says which.
    if (isStatusError(error, 'BadRequest')) {
      return readYaml(user, text);
    }
    throw error;
  }
  // For the lines, in Kubernetes' words.
  return read.duplicates.length > 0 && mediaType === APPLY_PATCH ? { value: read.value, duplicates: (await readYaml(user, text)).duplicates } : read;
}

async function settle(user: string, bytes: Buffer, mediaType: string): Promise<void> {
  try {
    const outcome = isYaml(mediaType) ? await readYamlOrJson(user, bytes, mediaType) : await readJson(bytes);
    if (outcome !== undefined) {
      outcomes.set(bytes, outcome);
    }
  } catch (error) {
    if (!(error instanceof StatusError) || error.code === 429) {
      throw error;
    }
    outcomes.set(bytes, error);
  }
}

/** Reads a long body of an authorised request; undefined for all others. Rejects with TooManyRequests only: other refusals come when it is asked for. */
export function settleBody({ body, user }: Pick<Call, 'body' | 'user'>): Promise<void> | undefined {
  if (body.kind !== 'bytes' || !isBig(body)) {
    return undefined;
  }
  const mediaType = mediaTypeOf(body);
  return mediaType === PROTOBUF_TYPE ? undefined : settle(user.name, body.bytes, mediaType);
}

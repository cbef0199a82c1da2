/** DNS messages as bytes: questions in, answers out. Pure; whatever the bytes are, nothing here throws but `WireError`. */
import { decode, encode, type Packet } from 'dns-packet';
import { TTL_SECONDS, type DnsRecord } from './answer.ts';

export const HEADER_BYTES = 12;
/** What fits into UDP without EDNS. */
const PLAIN_UDP_BYTES = 512;
/** What we answer by UDP at most, and offer to take: never fragmented on any usual link. */
const EDNS_UDP_BYTES = 1232;
export const MAX_TCP_BYTES = 65_535;

export const RCODES = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const;
const TYPES: Readonly<Record<DnsRecord['type'], number>> = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, TXT: 16, SRV: 33 };
const OPT = 41;
const CLASS_IN = 1;

/** A message that cannot be answered as asked; `rcode` says how to refuse it, none means not at all. */
export class WireError extends Error {
  readonly rcode: keyof typeof RCODES | undefined;
  constructor(message: string, rcode: keyof typeof RCODES | undefined) {
    super(message);
    this.name = 'WireError';
    this.rcode = rcode;
  }
}

export interface Question {
  id: number;
  recursionDesired: boolean;
  /** As asked, without a final dot. */
  name: string;
  /** `A`, `AAAA`, …; `UNKNOWN_<n>` for what the library does not know. */
  type: string;
  /** The question section, as asked. */
  section: Buffer;
  /** Present when the client speaks EDNS: the size it takes by UDP. */
  edns?: { size: number };
}

/** Name and end of the question, without the library: it would not say where the section ends. */
function questionEnd(message: Buffer): number {
  let at = HEADER_BYTES;
  while (at < message.length) {
    const length = message[at] ?? 0;
    if (length === 0) {
      return at + 5;
    }
    if (length > 63) {
      break;
    }
    at += length + 1;
  }
  throw new WireError('the question is cut off or compressed', 'FORMERR');
}

function decodePacket(message: Buffer): Packet {
  try {
    return decode(message);
  } catch (error) {
    throw new WireError(`malformed: ${error instanceof Error ? error.message : String(error)}`, 'FORMERR');
  }
}

/** What can be refused from the header alone. */
function checkHeader(message: Buffer): void {
  if (message.length < HEADER_BYTES) {
    throw new WireError('shorter than a header', undefined);
  }
  const flags = message.readUInt16BE(2);
  if ((flags & 0x8000) !== 0) {
    // Answering answers is how two servers keep each other busy for ever.
    throw new WireError('an answer, not a question', undefined);
  }
  if (((flags >> 11) & 15) !== 0) {
    throw new WireError('not a query', 'NOTIMP');
  }
  if (message.readUInt16BE(4) !== 1) {
    throw new WireError('not exactly one question', 'FORMERR');
  }
}

/** Throws WireError. */
export function parseQuestion(message: Buffer): Question {
  checkHeader(message);
  const end = questionEnd(message);
  if (end > message.length || end - HEADER_BYTES > 255 + 4) {
    throw new WireError('the question is cut off or too long', 'FORMERR');
  }
  const packet = decodePacket(message);
  const question = packet.questions?.[0];
  const options = (packet.additionals ?? []).flatMap((record) => (record.type === 'OPT' ? [record] : []));
  const [option] = options;
  if (question === undefined || options.length > 1) {
    throw new WireError('malformed', 'FORMERR');
  }
  if (option !== undefined && option.ednsVersion !== 0) {
    throw new WireError('unknown EDNS version', 'BADVERS');
  }
  return {
    id: message.readUInt16BE(0), recursionDesired: (message.readUInt16BE(2) & 0x100) !== 0, name: question.name, type: question.type,
    section: message.subarray(HEADER_BYTES, end),
    ...(option === undefined ? {} : { edns: { size: option.udpPayloadSize } }),
  };
}

function encodeName(name: string): Buffer {
  const labels = name === '' || name === '.' ? [] : name.replace(/\.$/, '').split('.');
  const parts = labels.map((label) => {
    const bytes = Buffer.from(label, 'latin1').subarray(0, 63);
    return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  });
  return Buffer.concat([...parts, Buffer.from([0])]);
}

function rdata(record: DnsRecord): Buffer {
  switch (record.type) {
    case 'A': return Buffer.from(record.data.split('.').map(Number));
    case 'TXT': return Buffer.concat([Buffer.from([record.data.length]), Buffer.from(record.data, 'latin1')]);
    case 'SRV': {
      const numbers = Buffer.alloc(6);
      numbers.writeUInt16BE(record.data.priority, 0);
      numbers.writeUInt16BE(record.data.weight, 2);
      numbers.writeUInt16BE(record.data.port, 4);
      return Buffer.concat([numbers, encodeName(record.data.target)]);
    }
    case 'SOA': {
      const { mname, rname, ...numbers } = record.data;
      const tail = Buffer.alloc(20);
      [numbers.serial, numbers.refresh, numbers.retry, numbers.expire, numbers.minimum].forEach((value, index) => { tail.writeUInt32BE(value >>> 0, index * 4); });
      return Buffer.concat([encodeName(mname), encodeName(rname), tail]);
    }
    default: return encodeName(record.data);
  }
}

/** A record; its name is a pointer to the question's when it is the same, which makes long answers a third of their size. */
function encodeRecord(record: DnsRecord, asked: string): Buffer {
  const data = rdata(record);
  const name = record.name === asked ? Buffer.from([0xc0, HEADER_BYTES]) : encodeName(record.name);
  const head = Buffer.alloc(10);
  head.writeUInt16BE(TYPES[record.type], 0);
  head.writeUInt16BE(CLASS_IN, 2);
  head.writeUInt32BE(TTL_SECONDS, 4);
  head.writeUInt16BE(data.length, 8);
  return Buffer.concat([name, head, data]);
}

function ednsRecord(rcode: number): Buffer {
  const record = Buffer.alloc(11);
  record.writeUInt16BE(OPT, 1);
  record.writeUInt16BE(EDNS_UDP_BYTES, 3);
  record.writeUInt8(rcode >> 4, 5);
  return record;
}

export interface Response {
  rcode: keyof typeof RCODES;
  authoritative: boolean;
  answers?: readonly DnsRecord[];
  authorities?: readonly DnsRecord[];
  additionals?: readonly DnsRecord[];
  /** Encoded records that follow the answers: what an upstream said of a CNAME's target. */
  rawAnswers?: readonly Buffer[];
}

/** Bytes of an answer that a client takes. */
export function responseLimit(question: Pick<Question, 'edns'>, tcp: boolean): number {
  if (tcp) {
    return MAX_TCP_BYTES;
  }
  return question.edns === undefined ? PLAIN_UDP_BYTES : Math.min(Math.max(question.edns.size, PLAIN_UDP_BYTES), EDNS_UDP_BYTES);
}

/** The answer in at most `limit` bytes: additional records go first, then answers, and a truncated answer says so. */
export function encodeResponse(question: Question, response: Response, limit: number): Buffer {
  const encode = (list: readonly DnsRecord[] = []): Buffer[] => list.map((record) => encodeRecord(record, question.name));
  const code = RCODES[response.rcode];
  const trailer = question.edns === undefined ? [] : [ednsRecord(code)];
  let left = limit - HEADER_BYTES - question.section.length - trailer.reduce((sum, { length }) => sum + length, 0);
  let truncated = false;
  const fit = (list: readonly Buffer[], essential: boolean): Buffer[] => {
    const kept: Buffer[] = [];
    for (const record of list) {
      if (truncated || record.length > left) {
        truncated ||= essential;
        break;
      }
      left -= record.length;
      kept.push(record);
    }
    return kept;
  };
  const answers = fit([...encode(response.answers), ...(response.rawAnswers ?? [])], true);
  const authorities = fit(encode(response.authorities), true);
  const additionals = fit(encode(response.additionals), false);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(question.id, 0);
  const flags = 0x8000 | (response.authoritative ? 0x400 : 0) | (truncated ? 0x200 : 0) | (question.recursionDesired ? 0x100 : 0) | 0x80 | (code & 15);
  header.writeUInt16BE(flags, 2);
  [1, answers.length, authorities.length, additionals.length + trailer.length].forEach((count, index) => { header.writeUInt16BE(count, 4 + index * 2); });
  return Buffer.concat([header, question.section, ...answers, ...authorities, ...additionals, ...trailer]);
}

/** The refusal of a message that could not be read: its id and flags, no question. */
export function encodeRefusal(message: Buffer, rcode: keyof typeof RCODES): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  message.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8080 | (message.readUInt16BE(2) & 0x7900) | (RCODES[rcode] & 15), 2);
  if (rcode !== 'BADVERS') {
    return header;
  }
  header.writeUInt16BE(1, 10);
  return Buffer.concat([header, ednsRecord(RCODES[rcode])]);
}

/** Header and question of a query of our own. */
export function encodeQuery(name: string, type: 'A' | 'AAAA'): Buffer {
  return encode({ type: 'query', id: 0, flags: 0x100, questions: [{ type, name }] });
}

/** The records that answer a followed CNAME, each encoded for `rawAnswers`; none when the upstream's answer is no good. */
export function aliasAnswers(answer: Buffer): Buffer[] {
  return (decodePacket(answer).answers ?? [])
    .filter(({ type }) => type === 'A' || type === 'AAAA' || type === 'CNAME')
    .map((record) => encode({ type: 'response', answers: [record] }).subarray(HEADER_BYTES));
}

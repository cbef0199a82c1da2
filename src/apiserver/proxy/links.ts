/**
 * Links in a pod's pages, led through the proxy: a page that says `href="/style.css"` means the pod's root, not the API server's. The
 * attributes are those that kube-apiserver rewrites; what stands in scripts and style sheets is out of anybody's reach.
 */
import { Transform } from 'node:stream';
import type { TransformCallback } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** Attributes that hold a URL, by element. */
const ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  a: ['href'], applet: ['codebase'], area: ['href'], audio: ['src'], base: ['href'], blockquote: ['cite'], body: ['background'], button: ['formaction'],
  command: ['icon'], del: ['cite'], embed: ['src'], form: ['action'], frame: ['longdesc', 'src'], head: ['profile'], html: ['manifest'], iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'], input: ['formaction', 'src', 'usemap'], ins: ['cite'], link: ['href'], object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'], script: ['src'], source: ['src'], td: ['background'], video: ['poster', 'src'],
};
/** A tag longer than this is passed on as it is, characters. */
const MAX_TAG_CHARS = 16 * 1024;

const TAG_NAME = /^<([a-z][a-z0-9]*)(?=[\s/>])/i;
const ATTRIBUTE = /(\s)([a-z]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)/gi;

/** One tag with its links rewritten. */
function rewriteTag(tag: string, rewrite: (url: string) => string): string {
  const name = TAG_NAME.exec(tag)?.[1]?.toLowerCase() ?? '';
  const wanted = Object.hasOwn(ATTRIBUTES, name) ? ATTRIBUTES[name] ?? [] : [];
  return wanted.length === 0 ? tag : tag.replace(ATTRIBUTE, (whole: string, space: string, attribute: string, equals: string, value: string) => {
    if (!wanted.includes(attribute.toLowerCase())) {
      return whole;
    }
    const quote = value.startsWith('"') || value.startsWith("'") ? value.slice(0, 1) : '';
    const url = quote === '' ? value : value.slice(1, -1);
    const rewritten = rewrite(url);
    return rewritten === url ? whole : `${space}${attribute}${equals}${quote}${rewritten}${quote}`;
  });
}

/** Where the tag that begins at `start` ends (after its `>`), quotes respected; -1 when its end has not come yet. */
function endOfTag(text: string, start: number): number {
  let quote = '';
  for (let at = start; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (quote !== '') {
      quote = char === quote ? '' : quote;
    } else if (char === '"' || char === "'") {
      quote = char;
    } else if (char === '>') {
      return at + 1;
    }
  }
  return -1;
}

export class LinkRewriter extends Transform {
  readonly #rewrite: (url: string) => string;
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  constructor(rewrite: (url: string) => string) {
    super();
    this.#rewrite = rewrite;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    done(null, this.#take(this.#decoder.write(chunk)));
  }

  override _flush(done: TransformCallback): void {
    done(null, this.#take(this.#decoder.end()) + this.#rest);
  }

  #take(more: string): string {
    const text = this.#rest + more;
    const parts: string[] = [];
    let at = 0;
    for (let open = text.indexOf('<'); open >= 0; open = text.indexOf('<', at)) {
      parts.push(text.slice(at, open));
      const end = TAG_NAME.test(text.slice(open, open + 32)) ? endOfTag(text, open) : open + 1;
      const isUnfinished = end < 0 || (end === open + 1 && text.length - open < 32 && !text.slice(open).includes('>'));
      if (isUnfinished && text.length - open <= MAX_TAG_CHARS) {
        this.#rest = text.slice(open);
        return parts.join('');
      }
      const stop = isUnfinished ? text.length : end;
      parts.push(end - open > MAX_TAG_CHARS || isUnfinished ? text.slice(open, stop) : rewriteTag(text.slice(open, stop), this.#rewrite));
      at = stop;
    }
    this.#rest = '';
    parts.push(text.slice(at));
    return parts.join('');
  }
}

/** The stages every request passes after it has been read, over HTTP and in process alike: authorise, then answer. */
import type { Auditor } from './audit/auditor.ts';
import { attributesOf, denial, type Attributes, type Decision } from './authz/authorizer.ts';
import type { ExtraGroup } from './extragroup.ts';
import type { Fairness } from './fairness/fairness.ts';
import { answerPath, type Paths } from './paths/nonresource.ts';
import type { Answer, Call, RequestInfo } from './types.ts';
import type { Core } from './verbs/core.ts';
import { dispatch } from './verbs/dispatch.ts';

export interface Pipeline {
  readonly core: Core;
  readonly paths: Paths;
  readonly groups: ReadonlyMap<string, ExtraGroup>;
  /** Which requests another API server answers. */
  readonly aggregation: { extraOf(info: RequestInfo): ExtraGroup | undefined };
  /** Whose turn it is; asked for requests that come over HTTP. */
  readonly fairness: Fairness;
  /** Tells of requests, where there is a policy that says of which. */
  readonly audit?: Auditor;
}

/** The group of `/apis/<group>` and everything below it. */
function groupOf(path: string): string {
  const [, root, group] = path.split('/', 3);
  return root === 'apis' ? group ?? '' : '';
}

/** The module that answers this path, if it is one of the extra groups. */
export function extraGroupOf(pipeline: Pipeline, call: Call): ExtraGroup | undefined {
  const own = pipeline.groups.size === 0 ? undefined : pipeline.groups.get(call.info.isResource ? call.info.group : groupOf(call.info.path));
  return own !== undefined && own.yields !== true ? own : pipeline.aggregation.extraOf(call.info) ?? own;
}

function answer(pipeline: Pipeline, call: Call): Answer | Promise<Answer> {
  const extra = extraGroupOf(pipeline, call);
  if (extra !== undefined) {
    return extra.handle(call, pipeline.core);
  }
  return call.info.isResource ? dispatch(pipeline.core, call) : answerPath(pipeline.paths, call);
}

/** Throws or rejects with Forbidden. Undefined when the answer was given at once, which spares reads a turn of the event loop. */
export function authorise(core: Core, call: Call): Promise<void> | undefined {
  const attributes = attributesOf(call.user, call.verb, call.info, call.query);
  const decision = core.authorizer.authorize(attributes);
  if (decision instanceof Promise) {
    return settled(decision, attributes, call);
  }
  check(decision, attributes, call);
  return undefined;
}

function check({ allowed, reason }: Decision, attributes: Attributes, { annotate }: Call): void {
  annotate?.('authorization.k8s.io/decision', allowed ? 'allow' : 'forbid');
  annotate?.('authorization.k8s.io/reason', reason);
  if (!allowed) {
    throw denial(attributes, reason);
  }
}

async function settled(decision: Promise<Decision>, attributes: Attributes, call: Call): Promise<void> {
  check(await decision, attributes, call);
}

/** Answers a request. Throws or rejects with StatusErrors and PageNotFound. */
export function serve(pipeline: Pipeline, call: Call): Answer | Promise<Answer> {
  return pipeline.audit === undefined ? run(pipeline, call) : pipeline.audit.around(call, (audited) => run(pipeline, audited));
}

function run(pipeline: Pipeline, call: Call): Answer | Promise<Answer> {
  const pending = authorise(pipeline.core, call);
  return pending === undefined ? answer(pipeline, call) : pending.then(() => answer(pipeline, call));
}

/** Kubernetes' authorizer library: what a user may do, asked from an expression. The answers come from whoever binds the variable `authorizer`. */
import { noSuchOverload } from '../errors.ts';
import { overload, STRING_COST, text, type Cost, type Overload, type Run } from '../overload.ts';
import { CelOpaque, sizeOf, type CelValue } from '../values.ts';

/** What is asked about, in the terms of SubjectAccessReview. */
export interface AccessQuestion {
  readonly verb: string;
  /** Of non-resource requests; undefined for resources. */
  readonly path?: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly fieldSelector: string;
  readonly labelSelector: string;
  /** Another user than the one who asks: a service account. */
  readonly serviceAccount?: { readonly namespace: string; readonly name: string };
}

export interface AccessAnswer { readonly allowed: boolean; readonly reason: string; readonly error?: string }

/** Answers at once. One that must wait throws what its caller knows to wait for. */
export type AskAccess = (question: AccessQuestion) => AccessAnswer;

/** What each check costs: two of them fit into one evaluation. */
const CHECK_COST = 350_000;

const NOTHING: AccessQuestion = { verb: '', group: '', resource: '', subresource: '', namespace: '', name: '', fieldSelector: '', labelSelector: '' };

/** The steps of building a question are types of their own. */
type StepName = 'kubernetes.authorization.Authorizer' | 'kubernetes.authorization.PathCheck' | 'kubernetes.authorization.GroupCheck' | 'kubernetes.authorization.ResourceCheck';

class Access extends CelOpaque {
  readonly typeName: StepName;
  readonly ask: AskAccess;
  readonly question: AccessQuestion;
  constructor(typeName: StepName, ask: AskAccess, question: AccessQuestion) {
    super();
    this.typeName = typeName;
    this.ask = ask;
    this.question = question;
  }

  equals(other: CelOpaque): boolean { return other === this; }
}

class CelDecision extends CelOpaque {
  readonly typeName = 'kubernetes.authorization.Decision';
  readonly answer: AccessAnswer;
  constructor(answer: AccessAnswer) {
    super();
    this.answer = answer;
  }

  equals(other: CelOpaque): boolean { return other === this; }
}

/** The value of the variable `authorizer`. */
export const celAuthorizer = (ask: AskAccess): CelValue => new Access('kubernetes.authorization.Authorizer', ask, NOTHING);

/** The value of `authorizer.requestResource`. */
export const celResourceCheck = (ask: AskAccess, question: Partial<AccessQuestion>): CelValue =>
  new Access('kubernetes.authorization.ResourceCheck', ask, { ...NOTHING, ...question });

type Change = (question: AccessQuestion, value: string) => Partial<AccessQuestion>;

/** Reading a selector: Kubernetes guesses a requirement of 50 for every two characters. */
const selectorCost: Cost = ([, value]) => 10 + Math.ceil(sizeOf(value ?? null) / 2) * 50 + Math.ceil(sizeOf(value ?? null) * STRING_COST);

/** A step from one type to the next that adds what its argument says. */
const step = (name: string, [from, to]: readonly [StepName, StepName], change: Change, cost?: Cost): Overload => overload(name, `${from}.(string): ${to}`, ([access, value]) => {
  const at = access instanceof Access ? access : noSuchOverload();
  return new Access(to, at.ask, { ...at.question, ...change(at.question, text(value)) });
}, cost);

const check: Run = ([access, verb]) => {
  const at = access instanceof Access ? access : noSuchOverload();
  return new CelDecision(at.ask({ ...at.question, verb: text(verb) }));
};

const serviceAccount: Run = ([access, namespace, name]) => {
  const at = access instanceof Access ? access : noSuchOverload();
  return new Access('kubernetes.authorization.Authorizer', at.ask, { ...at.question, serviceAccount: { namespace: text(namespace), name: text(name) } });
};

const answered = (get: (answer: AccessAnswer) => CelValue): Run => ([decision]) => (decision instanceof CelDecision ? get(decision.answer) : noSuchOverload());

const AUTHORIZER = 'kubernetes.authorization.Authorizer';
const PATH = 'kubernetes.authorization.PathCheck';
const GROUP = 'kubernetes.authorization.GroupCheck';
const RESOURCE = 'kubernetes.authorization.ResourceCheck';
const DECISION = 'kubernetes.authorization.Decision';

export const authorization: readonly Overload[] = [
  step('path', [AUTHORIZER, PATH], (_, path) => ({ path })),
  step('group', [AUTHORIZER, GROUP], (_, group) => ({ group })),
  overload('serviceAccount', `${AUTHORIZER}.(string, string): ${AUTHORIZER}`, serviceAccount),
  step('resource', [GROUP, RESOURCE], (_, resource) => ({ resource })),
  step('subresource', [RESOURCE, RESOURCE], (_, subresource) => ({ subresource })),
  step('namespace', [RESOURCE, RESOURCE], (_, namespace) => ({ namespace })),
  step('name', [RESOURCE, RESOURCE], (_, name) => ({ name })),
  step('fieldSelector', [RESOURCE, RESOURCE], (_, fieldSelector) => ({ fieldSelector }), selectorCost),
  step('labelSelector', [RESOURCE, RESOURCE], (_, labelSelector) => ({ labelSelector }), selectorCost),
  overload('check', `${PATH}.(string): ${DECISION}`, check, () => CHECK_COST),
  overload('check', `${RESOURCE}.(string): ${DECISION}`, check, () => CHECK_COST),
  overload('allowed', `${DECISION}.(): bool`, answered(({ allowed }) => allowed)),
  overload('reason', `${DECISION}.(): string`, answered(({ reason }) => reason)),
  overload('errored', `${DECISION}.(): bool`, answered(({ error }) => error !== undefined)),
  overload('error', `${DECISION}.(): string`, answered(({ error }) => error ?? '')),
];

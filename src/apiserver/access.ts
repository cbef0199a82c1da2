/** Files and values given with options become what a server decides by: keys, issuers, tokens, the audit log. For main.ts. */
import { readFile } from 'node:fs/promises';
import type { Instance } from '../apimachinery/instance.ts';
import type { Log } from '../apimachinery/log.ts';
import { StartFault } from '../apimachinery/startfault.ts';
import type { AuditLog } from './audit/logfile.ts';
import type { AuditOptions } from './audit/open.ts';
import type { TokenSource } from './authn/chain.ts';
import type { OidcFlags } from './authn/oidc/options.ts';
import { RevokedCertificates } from './pki/index.ts';
import type { ApiServerOptions } from './server.ts';
import type { Transformer } from '../store/transformer.ts';

export interface AccessOptions {
  /** Path of the keys for Secrets on disk, the newest first. */
  encryptionKey?: string;
  /** Path of `token,user,uid,"group,…"` in lines. */
  tokenAuthFile?: string;
  audit?: AuditOptions;
  oidc?: Omit<OidcFlags, 'ca'> & { caFile?: string };
}

export interface Access {
  /** Of values on their way to the disk; absent where nothing is encrypted. */
  transformer: Transformer | undefined;
  options(instance: Pick<Instance, 'clusterDomain'>): Pick<ApiServerOptions, 'tokenFile' | 'tokenSources' | 'revoked' | 'audit'>;
  close(): Promise<void>;
}

async function readOption(option: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw badOption(`${option}: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

const badOption = (why: string, cause: unknown): StartFault => new StartFault('BadOption', { why }, why, { cause });

/** What an option's file says is wrong, as a fault of the start. */
async function asFault<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof StartFault || !(error instanceof Error) ? error : badOption(error.message, error);
  }
}

async function transformerOf(path: string | undefined): Promise<Transformer | undefined> {
  if (path === undefined) {
    return undefined;
  }
  const [{ readKeyFile }, { secretsTransformer }] = await Promise.all([import('../store/encryption/keyfile.ts'), import('../store/encryption/aesgcm.ts')]);
  return secretsTransformer(await readKeyFile(path));
}

/** ID tokens of another issuer; the library for them is loaded with the first token. */
async function issuerOf(oidc: AccessOptions['oidc'], log: Log): Promise<((audience: string) => TokenSource) | undefined> {
  if (oidc === undefined) {
    return undefined;
  }
  const [{ oidcOptions }, { OidcTokens }] = await Promise.all([import('./authn/oidc/options.ts'), import('./authn/oidc/tokens.ts')]);
  const { caFile, ...flags } = oidc;
  const options = oidcOptions({ ...flags, ...(caFile === undefined ? {} : { ca: await readOption('--oidc-ca-file', caFile) }) });
  return (audience) => new OidcTokens(options, [audience], log);
}

async function auditOf(options: AccessOptions['audit'], log: Log): Promise<{ policy: NonNullable<ApiServerOptions['audit']>['policy']; log: AuditLog } | undefined> {
  return options === undefined ? undefined : (await import('./audit/open.ts')).openAudit(options, log);
}

/** Reads every file the options name. Throws StartFault for what is wrong with one. */
export async function openAccess(security: AccessOptions, pkiDir: string, log: Log): Promise<Access> {
  const { encryptionKey, tokenAuthFile } = security;
  const [transformer, tokenFile, issuer, audit, revoked] = await asFault(Promise.all([
    transformerOf(encryptionKey), tokenAuthFile === undefined ? undefined : readOption('--token-auth-file', tokenAuthFile), issuerOf(security.oidc, log),
    auditOf(security.audit, log),
    RevokedCertificates.follow(pkiDir, (error) => { log.error({ error: error.message }, 'the list of users cannot be read: nobody more is shut out'); }),
  ]));
  return {
    transformer,
    options: ({ clusterDomain }) => ({
      revoked, ...(tokenFile === undefined ? {} : { tokenFile }), ...(audit === undefined ? {} : { audit }),
      ...(issuer === undefined ? {} : { tokenSources: [issuer(`https://kubernetes.default.svc.${clusterDomain}`)] }),
    }),
    async close(): Promise<void> {
      revoked.close();
      await audit?.log.close();
    },
  };
}

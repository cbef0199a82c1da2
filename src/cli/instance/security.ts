/** Options of a server about keys, users of other issuers and the audit log, under kube-apiserver's names where it has them. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { CliError } from '../errors.ts';
import { text } from '../messages/index.ts';
import type { SecurityOptions } from '../wiring.ts';

export interface SecurityFlags {
  encryptionKey?: string;
  tokenAuthFile?: string;
  auditPolicyFile?: string;
  auditLogPath?: string;
  auditLogMaxage?: string;
  auditLogMaxbackup?: string;
  auditLogMaxsize?: string;
  oidcIssuerUrl?: string;
  oidcClientId?: string;
  oidcUsernameClaim?: string;
  oidcUsernamePrefix?: string;
  oidcGroupsClaim?: string;
  oidcGroupsPrefix?: string;
  oidcRequiredClaim?: string[];
  oidcCaFile?: string;
  oidcSigningAlgs?: string;
}

/** kube-apiserver's default size of an audit log file, megabytes. */
const AUDIT_MAX_SIZE = 100;

const several = (value: string, before: string[] = []): string[] => [...before, ...value.split(',')];

export const addSecurityOptions = (command: Command): Command => command
  .option('--encryption-key <file>', text('security.option.encryptionKey'))
  .option('--token-auth-file <file>', text('security.option.tokenAuthFile'))
  .option('--audit-policy-file <file>', text('security.option.auditPolicyFile'))
  .option('--audit-log-path <file>', text('security.option.auditLogPath'))
  .option('--audit-log-maxage <days>', text('security.option.auditLogMaxage'))
  .option('--audit-log-maxbackup <count>', text('security.option.auditLogMaxbackup'))
  .option('--audit-log-maxsize <megabytes>', text('security.option.auditLogMaxsize'))
  .option('--oidc-issuer-url <url>', text('security.option.oidcIssuerUrl'))
  .option('--oidc-client-id <id>', text('security.option.oidcClientId'))
  .option('--oidc-username-claim <claim>', text('security.option.oidcUsernameClaim'))
  .option('--oidc-username-prefix <prefix>', text('security.option.oidcUsernamePrefix'))
  .option('--oidc-groups-claim <claim>', text('security.option.oidcGroupsClaim'))
  .option('--oidc-groups-prefix <prefix>', text('security.option.oidcGroupsPrefix'))
  .option('--oidc-required-claim <key=value>', text('security.option.oidcRequiredClaim'), several)
  .option('--oidc-ca-file <file>', text('security.option.oidcCaFile'))
  .option('--oidc-signing-algs <list>', text('security.option.oidcSigningAlgs'));

function count(value: string | undefined, otherwise: number, option: string): number {
  const number = value === undefined ? otherwise : Number(value);
  if (!Number.isInteger(number) || number < 0) {
    throw new CliError(text('security.error.count', { option, value: value ?? '' }));
  }
  return number;
}

function audit(flags: SecurityFlags): SecurityOptions['audit'] {
  const { auditPolicyFile, auditLogPath } = flags;
  if (auditPolicyFile === undefined && auditLogPath === undefined) {
    return undefined;
  }
  if (auditPolicyFile === undefined || auditLogPath === undefined) {
    throw new CliError(text('security.error.audit'));
  }
  return {
    policyFile: resolve(auditPolicyFile), path: auditLogPath === '-' ? '-' : resolve(auditLogPath),
    maxAge: count(flags.auditLogMaxage, 0, '--audit-log-maxage'), maxBackup: count(flags.auditLogMaxbackup, 0, '--audit-log-maxbackup'),
    maxSize: count(flags.auditLogMaxsize, AUDIT_MAX_SIZE, '--audit-log-maxsize'),
  };
}

function oidc(flags: SecurityFlags): SecurityOptions['oidc'] {
  const { oidcIssuerUrl: issuerUrl, oidcCaFile: caFile } = flags;
  if (issuerUrl === undefined) {
    if (Object.keys(flags).some((name) => name.startsWith('oidc'))) {
      throw new CliError(text('security.error.oidc'));
    }
    return undefined;
  }
  return {
    issuerUrl, ...(caFile === undefined ? {} : { caFile: resolve(caFile) }),
    ...(flags.oidcClientId === undefined ? {} : { clientId: flags.oidcClientId }),
    ...(flags.oidcUsernameClaim === undefined ? {} : { usernameClaim: flags.oidcUsernameClaim }),
    ...(flags.oidcUsernamePrefix === undefined ? {} : { usernamePrefix: flags.oidcUsernamePrefix }),
    ...(flags.oidcGroupsClaim === undefined ? {} : { groupsClaim: flags.oidcGroupsClaim }),
    ...(flags.oidcGroupsPrefix === undefined ? {} : { groupsPrefix: flags.oidcGroupsPrefix }),
    ...(flags.oidcRequiredClaim === undefined ? {} : { requiredClaims: flags.oidcRequiredClaim }),
    ...(flags.oidcSigningAlgs === undefined ? {} : { signingAlgs: flags.oidcSigningAlgs }),
  };
}

/** Throws CliError for options that do not go together. Files are read by the server. */
export function securityOptions(flags: SecurityFlags): SecurityOptions {
  const [audited, issuer] = [audit(flags), oidc(flags)];
  return {
    ...(flags.encryptionKey === undefined ? {} : { encryptionKey: resolve(flags.encryptionKey) }),
    ...(flags.tokenAuthFile === undefined ? {} : { tokenAuthFile: resolve(flags.tokenAuthFile) }),
    ...(audited === undefined ? {} : { audit: audited }),
    ...(issuer === undefined ? {} : { oidc: issuer }),
  };
}

import type { KeyType } from "./keyMaterial";
import type { KeyUse } from "./keyUse";

import { objectUri } from "./objectBundle";
import type { BundleForm, Json } from "./objectKind";

/** What a certificate is issued by. Its members are those of CertificatePolicy in Microsoft's specification. */
export interface CertificatePolicy {
  readonly key_props: {
    readonly exportable: boolean;
    readonly kty: KeyType;
    readonly key_size?: number;
    readonly crv?: string;
    readonly reuse_key: boolean;
  };
  readonly secret_props: { readonly contentType: string };
  readonly x509_props: Json & {
    readonly subject: string;
    readonly key_usage: readonly string[];
    readonly validity_months: number;
  };
  readonly lifetime_actions: readonly Json[];
  readonly issuer: { readonly name: string };
  readonly created: number;
  readonly updated: number;
}

export interface PolicyOptions {
  /** @default "EC" */
  readonly kty?: KeyType;
  /** Whether the certificate's secret holds the private key. @default true */
  readonly exportable?: boolean;
  /** Whether a further version has the same key. @default false */
  readonly reuseKey?: boolean;
  /** Members of the policy that replace the defaults. */
  readonly policy?: Json;
}

export function policyOf(
  name: string,
  options: PolicyOptions,
  now: number,
  latest?: CertificatePolicy,
): CertificatePolicy {
  const { policy = {}, exportable, reuseKey } = options;
  const keyProps = { ...latest?.key_props, ...(policy.key_props as Json | undefined) };
  const kty = options.kty ?? (keyProps.kty as KeyType | undefined) ?? "EC";
  return {
    key_props: {
      exportable: exportable ?? (keyProps.exportable as boolean | undefined) ?? true,
      kty,
      ...(kty.startsWith("RSA") ? { key_size: 2048 } : { crv: "P-256" }),
      reuse_key: reuseKey ?? (keyProps.reuse_key as boolean | undefined) ?? false,
    },
    secret_props: { contentType: "application/x-pem-file", ...(policy.secret_props as Json | undefined) },
    x509_props: {
      subject: `CN=${name}`,
      ekus: ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"],
      key_usage: ["digitalSignature", "keyEncipherment"],
      validity_months: 12,
      basic_constraints: { ca: false },
      ...latest?.x509_props,
      ...(policy.x509_props as Json | undefined),
    },
    lifetime_actions: (policy.lifetime_actions as Json[] | undefined) ??
      latest?.lifetime_actions ?? [{ trigger: { lifetime_percentage: 80 }, action: { action_type: "AutoRenew" } }],
    issuer: { name: "Self", ...(policy.issuer as Json | undefined) },
    created: latest?.created ?? now,
    updated: now,
  };
}

export function policyBundle({ vault }: BundleForm, name: string, policy: CertificatePolicy): Json {
  const { created, updated, ...members } = policy;
  const id = `${objectUri(vault, "certificates", name)}/policy`;
  return { id, ...members, attributes: { enabled: true, created, updated } };
}

const usesByKeyUsage: Record<string, readonly KeyUse[]> = {
  digitalSignature: ["sign", "verify"],
  dataEncipherment: ["encrypt", "decrypt"],
  keyEncipherment: ["wrapKey", "unwrapKey"],
};

/** What the certificate's key may be used for. Undefined if the policy says nothing. */
export function keyOperationsBy({ key_props, x509_props }: CertificatePolicy): readonly KeyUse[] | undefined {
  const uses = x509_props.key_usage.flatMap((usage) => usesByKeyUsage[usage] ?? []);
  if (x509_props.key_usage.length === 0) return undefined;
  return key_props.kty.startsWith("RSA") ? uses : uses.filter((use) => use === "sign" || use === "verify");
}

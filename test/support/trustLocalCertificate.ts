import tls from "node:tls";

/** Makes every TLS connection that this process opens from now on accept the certificate. */
export function trustLocalCertificate(certificatePem: string): void {
  tls.setDefaultCACertificates([...tls.getCACertificates("default"), certificatePem]);
}

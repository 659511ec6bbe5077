/** No token could be had: the message tells which credentials were tried, why each failed, and what to do. */
export class CredentialFailure extends Error {}

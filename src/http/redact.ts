/** The secrets of one client, which are taken out of what servers say. */
export interface Redactor {
  readonly add: (secret: string) => void;
  /** Replaces every secret, also as JSON and as addresses and forms write it. */
  readonly redact: (text: string) => string;
}

export function createRedactor(): Redactor {
  const forms = new Set<string>();
  return {
    add: (secret) => {
      if (secret === '') return;
      const written = [JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret.toWellFormed())];
      for (const form of [secret, ...written]) forms.add(form);
    },
    // The longest first: one may be a part of another.
    redact: (text) =>
      [...forms].sort((a, b) => b.length - a.length).reduce((clean, form) => clean.replaceAll(form, '***'), text),
  };
}

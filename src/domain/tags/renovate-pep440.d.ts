declare module '@renovate/pep440' {
  interface Explained {
    readonly epoch: number;
    readonly release: readonly number[];
    readonly is_prerelease: boolean;
    readonly is_devrelease: boolean;
    readonly is_postrelease: boolean;
  }
  const pep440: {
    readonly valid: (version: string) => string | null;
    readonly clean: (version: string) => string | null;
    readonly explain: (version: string) => Explained | null;
    /** Both must be valid. */
    readonly compare: (a: string, b: string) => number;
  };
  export default pep440;
}

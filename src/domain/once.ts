/** Makes a value on the first call, and returns it on all. What is thrown is not kept; a promise is, also one that fails. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** For the tests, which are TypeScript. */
export function containersOf(t: number): Record<string, unknown>[];

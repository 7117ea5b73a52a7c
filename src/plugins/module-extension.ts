/** `.ts` in the repository, `.js` in the built package: what to append to the name of a module that is loaded by URL. */
export const MODULE_EXTENSION = import.meta.url.slice(import.meta.url.lastIndexOf('.'));

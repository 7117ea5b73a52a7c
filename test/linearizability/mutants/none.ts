/** No mutation: shows that it is the mutation that is caught, not the way in which it is built in. */
import type { Mutation } from './mutation.ts';

export const mutate: Mutation = (apply) => apply;

/**
 * prepare: checks, and whatever can still be undone without a trace. commit: the change itself; passes the point of no
 * return. finish: makes the new state the block's visible state. abort: undoes prepare, and commit of an add; an online or
 * offline that was committed stays, and it says so.
 */
export type DriverStep = 'prepare' | 'commit' | 'finish' | 'abort';

export { LuthierError, toErrorData } from '../protocol/errors.ts';
